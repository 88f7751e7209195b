const place = document.getElementById("docs");
window.SwaggerUIBundle({
  url: place.dataset.document,
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
  queryConfigEnabled: false,
});
