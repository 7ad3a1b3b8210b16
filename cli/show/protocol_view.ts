/** Protocols as people and machines read them: a table of capabilities, and a page of each. */

import type { ProtocolDescription, TransferProtocol } from "../../protocols/contract.ts";
import { tableLines } from "./table.ts";
import { clean, pad, type Paint } from "./text.ts";

/** What is said of one protocol; `null` where it says nothing of itself. */
export interface ProtocolView {
  readonly name: string;
  readonly schemes: readonly string[];
  readonly credentials: readonly string[];
  readonly summary: string | null;
  readonly source: ProtocolDescription["source"];
  readonly sink: ProtocolDescription["sink"];
  readonly directory: ProtocolDescription["directory"];
  readonly options: Readonly<Record<string, string>>;
}

/** One protocol; `credentials` by scheme. */
export function protocolView(
  { name, schemes, description }: TransferProtocol,
  credentials: Readonly<Record<string, readonly string[]>>,
): ProtocolView {
  return {
    name,
    schemes,
    credentials: [...new Set(schemes.flatMap((scheme) => credentials[scheme] ?? []))],
    summary: description?.summary ?? null,
    source: description?.source ?? null,
    sink: description?.sink ?? null,
    directory: description?.directory ?? null,
    options: description?.options ?? {},
  };
}

type End = "source" | "sink" | "directory";

/** Every capability, in the words of people. */
const ROWS: readonly (readonly [End, string | null, string])[] = [
  ["source", null, "read files"],
  ["source", "ranges", "  from any place on"],
  ["source", "parallelRanges", "  several ranges at once"],
  ["source", "serverHash", "  with a hash by the server"],
  ["source", "mtime", "  with their time"],
  ["source", "permissions", "  with their permissions"],
  ["sink", null, "write files"],
  ["sink", "fence", "  fence against stale writers"],
  ["sink", "resume", "  go on with a part"],
  ["sink", "randomWrites", "  write at any place"],
  ["sink", "renameNoReplace", "  never replace, atomically"],
  ["sink", "durableSync", "  synced before it counts"],
  ["sink", "fileId", "  known again by an id"],
  ["sink", "readBack", "  read back"],
  ["sink", "mtime", "  keep the time"],
  ["sink", "permissions", "  keep permissions"],
  ["sink", "serverCopy", "  copied by the service itself"],
  ["directory", "list", "list directories"],
  ["directory", "remove", "  delete"],
  ["directory", "rename", "  rename"],
  ["directory", "renameNoReplace", "  never replace, atomically"],
  ["directory", "makeDirectory", "  make directories"],
];

/** Capabilities down, protocols across. */
export function capabilityLines(views: readonly ProtocolView[], colours: Paint): string[] {
  const columns = [{ title: "" }, ...views.map(({ name }) => ({ title: name.toUpperCase() }))];
  const rows = ROWS.map(([end, capability, title]) => [
    title,
    ...views.map((view) => cell(view, end, capability)),
  ]);
  return [
    ...tableLines(columns, rows, colours),
    "",
    "The most that each can do; quorus doctor URI says what holds at one place, quorus protocols NAME",
    "which schemes, credentials and options a protocol takes.",
  ];
}

function cell(view: ProtocolView, end: End, capability: string | null): string {
  const known = view[end];
  if (known === null) return "";
  if (capability === null) return "yes";
  const value = (known as unknown as Readonly<Record<string, boolean | string>>)[capability];
  return typeof value === "string" ? value : value === true ? "yes" : "-";
}

const LABEL_CELLS = 12;

/** The page of one protocol, in short. */
export function protocolLines(view: ProtocolView, colours: Paint): string[] {
  const { name, schemes, credentials, summary, options } = view;
  const line = (label: string, text: string) => `  ${pad(label, LABEL_CELLS)}  ${clean(text)}`;
  const can = (end: End) => {
    if (view[end] === null) return "none";
    const words = Object.entries(view[end]).flatMap(([key, value]) =>
      typeof value === "string" ? [`${key} ${value}`] : value ? [key] : []
    );
    return words.length === 0 ? "plain" : words.join(", ");
  };
  const optionNames = Object.keys(options);
  const width = Math.max(LABEL_CELLS, ...optionNames.map(({ length }) => length));
  return [
    `${colours.bold(name)}${summary === null ? "" : `: ${clean(summary)}`}`,
    line("schemes", schemes.map((scheme) => `${scheme}:`).join(", ")),
    line("credentials", credentials.length === 0 ? "none" : credentials.join(", ")),
    line("source", can("source")),
    line("destination", can("sink")),
    line("directories", can("directory")),
    ...(optionNames.length === 0 ? [line("options", "none")] : [
      "  options",
      ...Object.entries(options).map(([key, says]) => `    ${pad(key, width)}  ${clean(says)}`),
    ]),
  ];
}
