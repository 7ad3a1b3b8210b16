/** The values that a definition is planned with; whoever calls looks them up. */

/** Values by nested name, as tenants and systems are configured. */
export interface NestedValues {
  readonly [name: string]: string | number | boolean | NestedValues;
}

/** Everything a plan needs from outside; nothing here may be a secret. */
export interface Bindings {
  /** The moment of `${date:...}`, milliseconds since 1970 UTC. */
  readonly nowMs: number;
  readonly env: Readonly<Record<string, string>>;
  /** Contents of the files that `${file:...}` names; one line end at the end is dropped. */
  readonly files: Readonly<Record<string, string>>;
  /** From `--var` and `--vars`, by full name: `REGION`, `tenant.storage.root`. */
  readonly values: Readonly<Record<string, string>>;
  readonly tenant?: NestedValues;
  readonly namespace?: NestedValues;
  readonly system?: NestedValues;
  /** Where relative paths start: an absolute path, or `null` where they are refused. */
  readonly pathBase: string | null;
}

/** The value of a late name such as `tenant.storage.root`, or `null`: given values win over configuration. */
export function boundValue(bindings: Bindings, name: string): string | null {
  if (Object.hasOwn(bindings.values, name)) return bindings.values[name]!;
  const [root, ...rest] = name.split(".");
  const roots: Readonly<Record<string, NestedValues | undefined>> = {
    tenant: bindings.tenant,
    namespace: bindings.namespace,
    system: bindings.system,
  };
  let at: NestedValues | string | number | boolean | undefined = Object.hasOwn(roots, root!)
    ? roots[root!]
    : undefined;
  for (const step of rest) {
    if (typeof at !== "object" || !Object.hasOwn(at, step)) return null;
    at = at[step];
  }
  return at === undefined || typeof at === "object" || rest.length === 0 ? null : String(at);
}
