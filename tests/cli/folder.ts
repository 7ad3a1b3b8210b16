/** A folder of its own for a test that runs verbs. */

/** Runs `work` in a new folder and removes it. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "quorus-cli-" }));
  try {
    await work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Writes files below `folder`, their directories made. */
export function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): void {
  for (const [name, content] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
  }
}

/** The names in a directory, sorted. */
export function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

/** A group as text: one transfer a line, `spec` in front of them. */
export function group(name: string, transfers: readonly string[], spec = ""): string {
  return `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: {name: ${name}}
spec:
${spec}  transfers:
${transfers.map((transfer) => `    - ${transfer}`).join("\n")}
`;
}
