/** Tells tests against real servers whether the programs they start are there. */

/** The Debian package of each program; a program that is not listed is its own package. */
const packages: Readonly<Record<string, string>> = {
  apache2: "apache2-bin",
  nginx: "nginx-light",
  proftpd: "proftpd-core proftpd-mod-crypto",
  sshd: "openssh-server",
  "ssh-keygen": "openssh-client",
  "ssh-agent": "openssh-client",
  "ssh-add": "openssh-client",
  useradd: "passwd",
  userdel: "passwd",
  chpasswd: "passwd",
  ip: "iproute2",
  "swift-proxy-server": "swift-proxy",
  "swift-account-server": "swift-account",
  "swift-container-server": "swift-container",
  "swift-object-server": "swift-object",
  prlimit: "util-linux",
  smbd: "samba",
  smbpasswd: "samba-common-bin",
  krb5kdc: "krb5-kdc",
  kdb5_util: "krb5-kdc",
  "kadmin.local": "krb5-admin-server",
  kinit: "krb5-user",
  "ganesha.nfsd": "nfs-ganesha nfs-ganesha-vfs",
  "libnfs.so.13": "libnfs13",
};

/** Programs that Debian has not, with the npm package that brings them. */
const npmPackages: Readonly<Record<string, string>> = {
  "azurite-blob": "azurite@3.37.0",
};

/** Folders of servers that a user's PATH may lack. */
const serverFolders = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/** Where `name` is found among `folders`, or undefined. */
export function findProgram(
  name: string,
  folders: readonly string[] = searchFolders(),
): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find(isFile);
}

/**
 * What to spread into `Deno.test({ name, ...requirePrograms(["nginx"]), fn })`: the test is skipped,
 * with a line that names the missing packages, unless all programs are there. With
 * QUORUS_REQUIRE_ALL=1 nothing is skipped: a missing program throws, and fails the file.
 */
export function requirePrograms(
  names: readonly string[],
  find: (name: string) => string | undefined = findProgram,
  isStrict: boolean = Deno.env.get("QUORUS_REQUIRE_ALL") === "1",
): { readonly ignore: boolean } {
  const missing = names.filter((name) => find(name) === undefined);
  if (missing.length === 0) return { ignore: false };
  const message = `Cannot run a test: ${missing.join(", ")} not found; ${installing(missing)}`;
  if (isStrict) throw new Error(message);
  console.warn(`${message} (the test is skipped)`);
  return { ignore: true };
}

/** What brings the programs, as commands. */
function installing(missing: readonly string[]): string {
  const debian = missing.filter((name) => npmPackages[name] === undefined);
  const npm = missing.flatMap((name) => npmPackages[name] ?? []);
  return [
    ...(debian.length === 0
      ? []
      : [`apt-get install ${debian.map((name) => packages[name] ?? name).join(" ")}`]),
    ...(npm.length === 0 ? [] : [`npm install --global ${npm.join(" ")}`]),
  ].join(" && ");
}

function searchFolders(): string[] {
  const path = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  return [...path, ...serverFolders];
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
