/** `/openapi.json` and `/docs`: what this API is. Both are made once; nothing is fetched from elsewhere. */

import type { Context } from "hono";
import type { Api, AppEnv } from "../api.ts";
import { describeProblems } from "../describe.ts";
import { docsPage, type OpenApiDocument } from "../docs_page.ts";

/** The version of the API, which is not that of the product. */
export const API_VERSION = "1.0.0";

/** Adds the routes; call it last, when all others are there. */
export function addDocuments(api: Api): void {
  const { app } = api;
  describeProblems(app.openAPIRegistry);
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    description: "An API key: qk_ and 43 characters of base64url.",
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Quorus",
      version: API_VERSION,
      description:
        "Moves files. Writes may carry an Idempotency-Key; errors are application/problem+json; " +
        "reads take ?consistency=stale. Without a key there is /livez only.",
      license: { name: "Apache-2.0" },
    },
  });
  const text = JSON.stringify(document);
  const page = docsPage(document as unknown as OpenApiDocument);
  addPage(api, "/openapi.json", "application/json", text, {});
  addPage(api, "/docs", "text/html; charset=utf-8", page, {
    // No script, no image, nothing from anywhere.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  });
}

function addPage(
  api: Api,
  path: string,
  type: string,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  const answer = () => new Response(text, { headers: { "content-type": type, ...headers } });
  api.app.get(path, (c: Context<AppEnv>) => api.guard(c, "viewer", answer));
}
