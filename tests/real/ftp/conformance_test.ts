import { conformance } from "../../conformance/suite.ts";
import { requireRoot } from "../../servers/vsftpd.ts";
import { requirePrograms } from "../require.ts";
import { ftpHarness } from "./harness.ts";

if (!requirePrograms(["vsftpd"]).ignore && !requireRoot().ignore) {
  conformance("vsftpd", () => ftpHarness());
  conformance("vsftpd by TLS", () => ftpHarness({ tls: "explicit" }));
  conformance("vsftpd by implicit TLS", () => ftpHarness({ tls: "implicit" }));
}
