/** What a definition asks for and this version does not do: told, never silently dropped. */

import { isSha256 } from "./check_steps.ts";
import { AUTH_KINDS, isAuthType } from "./credentials.ts";
import { withDefaults } from "./defaults.ts";
import { actionsOf, defaultsOf, type Definition, stepsOf } from "./definition.ts";
import type { DeclaredTransfer } from "./schema.ts";
import { where } from "./schema_issues.ts";
import type { ValuePath } from "./source.ts";

/** One thing that is not carried out; `refused`: without it the run would be less safe than declared. */
export interface Unsupported {
  /** The place as `spec.transfers[2].destination.encryption`. */
  readonly path: string;
  readonly line: number;
  readonly severity: "warning" | "refused";
  readonly reason: string;
}

/** What the caller can do. */
export interface SupportOptions {
  /** Names of the transfer protocols at hand, which are also the schemes of their URIs. */
  readonly protocols: readonly string[];
  /** The kinds of credentials that each of them takes; without it, every kind that there is passes. */
  readonly credentials?: Readonly<Record<string, readonly string[]>>;
  /** Schemes whose directories can be listed: the sources of sets. Without it every one passes. */
  readonly directories?: readonly string[];
}

type Add = (path: ValuePath, severity: Unsupported["severity"], reason: string) => void;

/** Everything that `validate` and `plan` warn about; `run` refuses when any of it is `refused`. */
export function unsupported(definition: Definition, options: SupportOptions): Unsupported[] {
  const { document } = definition;
  const found: Unsupported[] = [];
  const told = new Set<string>();
  const add: Add = (path, severity, reason) => {
    // What stands in the defaults is told once, at its own place.
    if (told.has(where(path))) return;
    told.add(where(path));
    found.push({ path: where(path), line: document.line(path), severity, reason });
  };
  const defaults = defaultsOf(definition);
  const fromDefaults = (path: ValuePath, step: ValuePath): ValuePath =>
    document.valueAt(path) === undefined && step.length > 1
      ? ["spec", "defaults", ...path.slice(step.length)]
      : path;
  for (const step of stepsOf(definition)) {
    const body = withDefaults(defaults, step.body);
    const place: Add = (path, severity, reason) =>
      add(fromDefaults([...step.path, ...path], step.path), severity, reason);
    checkSource(body, options, place);
    checkDestination(body, options, place);
    checkSet(body, options, place);
    checkVerification(body, place);
    checkMonitoring(body, place);
  }
  checkActions(definition, add);
  return found;
}

function checkSource(body: DeclaredTransfer, options: SupportOptions, add: Add): void {
  const { source } = body;
  checkProtocol("source", source, options, add);
  checkAccess("source", source, options, add);
  if (source.networkOptimization?.useInternalRouting !== undefined) {
    const reason = "routes are not chosen by this version";
    add(["source", "networkOptimization", "useInternalRouting"], "warning", reason);
  }
}

function checkProtocol(
  side: "source" | "destination",
  place: { uri?: string | undefined; path?: string | undefined; protocol?: string | undefined },
  { protocols }: SupportOptions,
  add: Add,
): void {
  const offered = `offered: ${protocols.join(", ")}`;
  const declared = place.protocol?.toLowerCase();
  const scheme = schemeOf(place);
  if (declared !== undefined && !protocols.includes(declared)) {
    add([side, "protocol"], "refused", `the protocol ${declared} is not offered; ${offered}`);
  } else if (scheme !== undefined && !protocols.includes(scheme)) {
    add([side, "uri"], "refused", `the protocol ${scheme} is not offered; ${offered}`);
  } else if (declared !== undefined && scheme !== undefined && declared !== scheme) {
    const reason = place.path === undefined
      ? `protocol says ${declared}, the uri says ${scheme}`
      : `a path is a file of this machine; protocol ${declared} needs a uri`;
    add([side, "protocol"], "refused", reason);
  }
}

function schemeOf(
  { uri, path }: Pick<DeclaredTransfer["source"], "uri" | "path">,
): string | undefined {
  if (path !== undefined) return "file";
  return /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri ?? "")?.[1]?.toLowerCase();
}

/** Credentials that nobody presents are a mistake about who may do what. */
function checkAccess(
  side: "source" | "destination",
  end: DeclaredTransfer["source" | "destination"],
  { credentials }: SupportOptions,
  add: Add,
): void {
  const key = end.auth === undefined ? "authentication" : "auth";
  const type = end[key]?.type;
  if (type === undefined) return;
  const scheme = schemeOf(end);
  const taken = scheme === undefined || credentials === undefined
    ? Object.keys(AUTH_KINDS)
    : credentials[scheme] ?? [];
  if (isAuthType(type) && taken.includes(type)) return;
  const offered = taken.length === 0 ? "it takes none" : `offered: ${taken.join(", ")}`;
  const by = scheme === undefined ? "" : ` by ${scheme}`;
  const reason = `authentication of type ${type} is not offered${by}; ${offered}`;
  add([side, key, "type"], "refused", reason);
}

function checkDestination(body: DeclaredTransfer, options: SupportOptions, add: Add): void {
  const { destination } = body;
  checkProtocol("destination", destination, options, add);
  checkAccess("destination", destination, options, add);
  checkEncryption(destination.encryption, add);
}

/** What is asked for and not done would leave files readable. */
function checkEncryption(
  encryption: DeclaredTransfer["destination"]["encryption"],
  add: Add,
): void {
  if (encryption === undefined || encryption.enabled === false) return;
  const { key, algorithm, keySource } = encryption;
  const at = ["destination", "encryption"];
  if (key === undefined) {
    const source = keySource === undefined
      ? ""
      : `keySource ${keySource} is not read by this version; `;
    add(at, "refused", `${source}no key is declared: key: "\${secret:NAME}"`);
  }
  if (algorithm !== undefined && !/^aes-?256(-?gcm)?$/i.test(algorithm)) {
    add([...at, "algorithm"], "refused", "files are sealed with AES-256-GCM and nothing else");
  }
}

function checkSet(body: DeclaredTransfer, { directories }: SupportOptions, add: Add): void {
  if (directories === undefined || !isDeclaredSet(body)) return;
  const offered = `offered: ${directories.join(", ")}`;
  const from = schemeOf(body.source);
  if (from !== undefined && !directories.includes(from)) {
    const reason = `the directories of ${from} cannot be listed, so they are no set; ${offered}`;
    add(["source", "uri"], "refused", reason);
  }
  const to = schemeOf(body.destination);
  if (body.destination.mirror?.delete === true && to !== undefined && !directories.includes(to)) {
    const reason = `the directories of ${to} cannot be listed, so they are no mirror; ${offered}`;
    add(["destination", "mirror"], "refused", reason);
  }
}

/** As far as it stands in the file; a variable may still say something else. */
function isDeclaredSet({ source, destination }: DeclaredTransfer): boolean {
  const [from, to] = [source.uri ?? source.path ?? "", destination.uri ?? destination.path ?? ""];
  return to.endsWith("/") && (from.endsWith("/") || from.includes("*"));
}

function checkVerification(body: DeclaredTransfer, add: Add): void {
  const { checksum, dataQuality } = body.validation ?? {};
  if (!isSha256(checksum?.algorithm)) {
    const reason = `the checksum ${checksum?.algorithm} is not offered; offered: SHA-256`;
    add(["validation", "checksum", "algorithm"], "refused", reason);
  }
  if (dataQuality !== undefined) {
    const reason = "data quality is not checked by this version; bad data would pass";
    add(["validation", "dataQuality"], "refused", reason);
  }
}

function checkMonitoring({ monitoring = {} }: DeclaredTransfer, add: Add): void {
  const warn = (key: keyof typeof monitoring, reason: string) =>
    add(["monitoring", key], "warning", reason);
  if (monitoring.metricsEnabled) warn("metricsEnabled", "metrics are not exported by this version");
  if (monitoring.alertOnFailure) warn("alertOnFailure", "alerts are not sent by this version");
  if (Object.values(monitoring.integrations ?? {}).includes(true)) {
    warn("integrations", "monitoring systems are not connected by this version");
  }
  if (monitoring.tags !== undefined) warn("tags", "there are no metrics to put tags on");
}

function checkActions(definition: Definition, add: Add): void {
  for (const outcome of ["onSuccess", "onFailure"] as const) {
    for (const { path, action } of actionsOf(definition, outcome)) {
      if (action.action !== "notify" || /^log(:|$)/.test(action.target)) continue;
      const reason = `${action.target} is not reached by this version; the message goes to the log`;
      add([...path, "target"], "warning", reason);
    }
  }
}
