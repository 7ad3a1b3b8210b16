import { conformance } from "../../conformance/suite.ts";
import { requirePrograms } from "../require.ts";
import { sftpHarness } from "./harness.ts";

if (!requirePrograms(["sshd", "ssh-keygen"]).ignore) {
  conformance("OpenSSH", () => sftpHarness());
}
