/** What may be declared of a share, and how smbclient is started for it. */

import assert from "node:assert/strict";
import type { Endpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { smbPlaceOf } from "../../../protocols/smb/endpoint.ts";
import { argumentsOf, environmentOf } from "../../../protocols/smb/program.ts";

const SECRET = "canary-s3cret";
const URI = "smb://files.example/team/in/a.csv";
const AUTH = { type: "basic", username: "anna", password: SECRET } as const;
const MACHINE = { ticketCache: null, folder: null };

function placeOf(more: Partial<Endpoint> = {}, uri = URI) {
  return smbPlaceOf({ ...plainEndpoint(uri), auth: AUTH, ...more });
}

function argumentsFor(more: Partial<Endpoint> = {}, uri = URI): string[] {
  const { target } = placeOf(more, uri);
  return argumentsOf({ target, address: "10.1.2.3", machine: MACHINE });
}

function refuses(more: Partial<Endpoint>, message: RegExp, uri = URI): void {
  assert.throws(() => placeOf(more, uri), (error: Error & { code?: string }) => {
    assert.ok(error.code === "badEndpoint" || error.code === "nameRefused", String(error));
    assert.match(error.message, message);
    assert.ok(!JSON.stringify(error).includes(SECRET) && !error.message.includes(SECRET));
    return true;
  });
}

Deno.test("a URI is host, share and path; the user may have a domain, in either way of writing", () => {
  const written = placeOf({}, "smb://CORP;anna@files.example:4450/team/in/a.csv");
  const { target } = written;
  assert.deepEqual(
    [target.host, target.port, target.share, target.domain, target.user, written.path],
    ["files.example", 4450, "team", "CORP", "anna", "/in/a.csv"],
  );
  const declared = placeOf({ auth: { ...AUTH, username: "CORP\\anna" } });
  assert.deepEqual([declared.target.domain, declared.target.user], ["CORP", "anna"]);
  assert.equal(placeOf({ auth: { ...AUTH, username: "anna@corp.example" } }).target.domain, null);
});

Deno.test("what is no share, no host, no user of it, or another user is refused", () => {
  refuses({}, /smb:\/\/HOST\/SHARE\/PATH/, "smb://files.example/team");
  refuses({}, /holds a password/, "smb://anna:x@files.example/team/a");
  refuses({}, /different users/, "smb://bert@files.example/team/a");
  refuses({}, /reserves/, "smb://files.example/te%22am/a");
  refuses({}, /no host/, "smb://-oProxy/team/a");
  refuses({ auth: { ...AUTH, username: "anna%x" } }, /something else/);
  refuses({ auth: { ...AUTH, username: "-N" } }, /something else/);
  refuses({ auth: { ...AUTH, password: `${SECRET}\0` } }, /NUL/);
  refuses({ auth: null }, /it takes credentials/);
  refuses({ auth: { type: "bearer", token: SECRET } }, /basic, kerberos/);
  refuses({ headers: { a: "b" } }, /no headers/);
});

Deno.test("SMB 1 is not spoken, and dialects are those of Samba", () => {
  for (const smbVersion of ["1", "1.0", "NT1", "smb1", "CIFS", 1]) {
    refuses({ options: { smbVersion } }, /SMB 1 protects nothing/);
  }
  refuses({ options: { smbVersion: "4" } }, /can be 2, 2\.0\.2|can be/);
  const range = (smbVersion: string | number) => {
    const { minimum, maximum } = placeOf({ options: { smbVersion } }).target;
    return `${minimum} ${maximum}`;
  };
  assert.equal(range("3.1.1"), "SMB3_11 SMB3_11");
  assert.equal(range(3), "SMB3_00 SMB3_11");
  assert.equal(range("2.1"), "SMB2_10 SMB2_10");
  const { minimum, maximum } = placeOf().target;
  assert.equal(`${minimum} ${maximum}`, "SMB2_02 SMB3_11");
});

Deno.test("options say how the connection is protected; what smbclient lacks is refused by name", () => {
  const strict = argumentsFor({ options: { signing: "required", encryption: "required" } });
  assert.ok(strict.includes("--option=client signing=required"));
  assert.ok(strict.includes("--option=client smb encrypt=required"));
  assert.ok(argumentsFor().includes("--option=client min protocol=SMB2_02"));
  assert.ok(argumentsFor({ options: { largeBuffers: false } }).includes("--send-buffer=65536"));
  assert.ok(!argumentsFor({ options: { largeBuffers: true } }).join().includes("--send-buffer"));
  refuses({ options: { directIO: true } }, /directIO is nothing that smbclient has/);
  refuses({ options: { signing: "off" } }, /required or desired/);
  refuses({ options: { encryption: "maybe" } }, /required, desired or off/);
  refuses({ options: { encryption: "required", smbVersion: "2.1" } }, /SMB 2 has no encryption/);
  refuses({ options: { cache: "strict" } }, /no option "cache"/);
});

Deno.test("the password is in no argument, and smbclient connects to the judged address", () => {
  const start = { target: placeOf().target, address: "10.1.2.3", machine: MACHINE };
  const list = argumentsOf(start);
  assert.ok(!list.join("\n").includes(SECRET));
  assert.ok(list.includes("--ip-address=10.1.2.3") && list.includes("//files.example/team"));
  assert.ok(list.includes("--configfile=/dev/null"), "nobody's settings but ours");
  assert.equal(environmentOf(start)["PASSWD"], SECRET);
  assert.deepEqual(Object.keys(environmentOf(start)).sort(), [
    ...["CLI_FORCE_INTERACTIVE", "CLI_NO_READLINE", "HOME", "LC_ALL", "PASSWD", "TZ"],
  ]);
});

Deno.test("Kerberos is asked by a cache of tickets, and by nothing else", () => {
  const auth = { type: "kerberos", username: "anna", file: "/run/tickets/anna" } as const;
  const list = argumentsFor({ auth });
  assert.ok(list.includes("--use-kerberos=required") && list.includes("--no-pass"));
  const environment = environmentOf({ target: placeOf({ auth }).target, machine: MACHINE });
  assert.equal(environment["KRB5CCNAME"], "/run/tickets/anna");
  assert.equal(environment["PASSWD"], undefined);
  const { target } = placeOf({ auth: { type: "kerberos" } });
  const machine = { ticketCache: "FILE:/tmp/krb5cc_0", folder: null };
  assert.equal(environmentOf({ target, machine })["KRB5CCNAME"], "FILE:/tmp/krb5cc_0");
  assert.equal(environmentOf({ target, machine: MACHINE })["KRB5CCNAME"], undefined);
  refuses({ auth: { type: "kerberos", file: "tickets" } }, /no absolute path/);
});

Deno.test("an upload is one command without anybody's name in it", () => {
  const { target } = placeOf();
  const list = argumentsOf({
    target,
    address: "10.1.2.3",
    machine: MACHINE,
    uploadInto: "\\a;!b\\t",
  });
  assert.ok(list.includes("--command=put - data"));
  assert.ok(list.includes("--directory=\\a;!b\\t"), "a directory is an argument, not a command");
});
