// Shows /openapi.json. Nothing is asked of another host: the validator badge would be.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null });
