SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  /* Else the document's address would go to a validator on the web. */
  validatorUrl: null,
});
