use std::collections::HashMap;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::OpenApi;
use poem_openapi::registry::{MetaApi, MetaSchema, MetaSchemaRef, Registry};

/// The same operations, in a document that says which fields may be null: poem-openapi only says that they may be absent.
#[derive(Clone)]
pub(super) struct Nullable<T>(pub(super) T);

impl<T: OpenApi> OpenApi for Nullable<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        for schema in registry.schemas.values_mut() {
            let MetaSchema { properties, required, .. } = schema;
            for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(name)) {
                make_nullable(property);
            }
        }
    }

    fn add_routes(self, routes: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        self.0.add_routes(routes);
    }
}

/// Nothing may stand beside a reference (OpenAPI 3.0 section 4.7.23), so one is wrapped.
fn make_nullable(property: &mut MetaSchemaRef) {
    match property {
        MetaSchemaRef::Inline(schema) => schema.nullable = true,
        MetaSchemaRef::Reference(_) => {
            let all_of = vec![property.clone()];
            *property = MetaSchemaRef::Inline(Box::new(MetaSchema { all_of, nullable: true, ..MetaSchema::ANY }));
        }
    }
}
