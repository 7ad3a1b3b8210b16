/** The documentation as one page of HTML without scripts, from the OpenAPI document. */

/** What is read of the document. */
export interface OpenApiDocument {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description?: string;
  };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components?: {
    readonly schemas?: Readonly<Record<string, unknown>>;
    readonly responses?: Readonly<Record<string, OpenApiResponse>>;
  };
}

interface OpenApiOperation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: unknown;
  }[];
  readonly requestBody?: { readonly description?: string; readonly content?: Content };
  readonly responses?: Readonly<Record<string, OpenApiResponse>>;
}

interface OpenApiResponse {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema?: unknown }>>;

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}" +
  "code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#8881;padding:.7em;" +
  "overflow:auto}table{border-collapse:collapse}td,th{padding:.2em .8em .2em 0;text-align:left;" +
  "vertical-align:top}h3{margin-top:2em}:root{color-scheme:light dark}";

/** The page. */
export function docsPage(document: OpenApiDocument): string {
  const { info, paths = {}, components = {} } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
  );
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? ""))];
  const sections = tags.map((tag) =>
    `<h2 id="${escaped(tag)}">${escaped(tag)}</h2>` +
    operations.filter(({ operation }) => (operation.tags?.[0] ?? "") === tag)
      .map((one) => section(one, components.responses ?? {})).join("")
  );
  const schemas = Object.entries(components.schemas ?? {}).map(([name, schema]) =>
    `<details id="schema-${escaped(name)}"><summary><code>${escaped(name)}</code></summary>` +
    `<pre>${escaped(JSON.stringify(schema, null, 2))}</pre></details>`
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width"><title>${escaped(info.title)} API</title>` +
    `<style>${STYLE}</style></head><body><h1>${escaped(info.title)} API ${escaped(info.version)}` +
    `</h1><p>${escaped(info.description ?? "")}</p><p>${
      tags.map((tag) => `<a href="#${escaped(tag)}">${escaped(tag)}</a>`).join(" · ")
    } · <a href="#schemas">Schemas</a> · <a href="/openapi.json">openapi.json</a></p>` +
    `${sections.join("")}<h2 id="schemas">Schemas</h2>${schemas.join("")}</body></html>`;
}

function section(
  { path, method, operation }: { path: string; method: string; operation: OpenApiOperation },
  shared: Readonly<Record<string, OpenApiResponse>>,
): string {
  const { operationId = "", summary = "", description = "", parameters = [] } = operation;
  const rows = parameters.map(({ name, in: place, required = false, description: said = "" }) =>
    `<tr><td><code>${escaped(name)}</code></td><td>${escaped(place)}${
      required ? ", required" : ""
    }</td><td>${escaped(said)}</td></tr>`
  );
  const answers = Object.entries(operation.responses ?? {})
    .map(([status, { $ref, ...own }]): [string, OpenApiResponse] => [
      status,
      $ref === undefined ? own : shared[$ref.slice($ref.lastIndexOf("/") + 1)] ?? own,
    ]).map(([status, answer]) =>
      `<tr><td>${escaped(status)}</td><td>${escaped(answer.description ?? "")}</td><td>${
        contentText(answer.content)
      }</td></tr>`
    );
  const body = operation.requestBody === undefined
    ? ""
    : `<p>Body: ${escaped(operation.requestBody.description ?? "")} ${
      contentText(operation.requestBody.content)
    }</p>`;
  return `<h3 id="${escaped(operationId)}"><code>${escaped(method.toUpperCase())} ${
    escaped(path)
  }</code></h3><p>${escaped(summary)}. ${escaped(description)}</p>` +
    (rows.length === 0 ? "" : `<table>${rows.join("")}</table>`) +
    `${body}<table>${answers.join("")}</table>`;
}

function contentText(content: Content = {}): string {
  return Object.entries(content).map(([type, { schema }]) => {
    const name = /^#\/components\/schemas\/(.+)$/.exec(
      String((schema as { $ref?: string } | undefined)?.$ref ?? ""),
    )?.[1];
    const link = name === undefined
      ? ""
      : ` <a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
    return `<code>${escaped(type)}</code>${link}`;
  }).join(" ");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
