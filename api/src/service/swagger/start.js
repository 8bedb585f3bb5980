/* As a newcomer needs them. */
const ORDER = ["User", "File", "Instant upload", "Chunked upload", "System", "Admin"];

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  tagsSorter: (one, other) => ORDER.indexOf(one) - ORDER.indexOf(other),
  /* Else the document's address would go to a validator on the web. */
  validatorUrl: null,
});
