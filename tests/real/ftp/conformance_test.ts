import { conformance } from "../../conformance/suite.ts";
import { requireRoot } from "../../servers/vsftpd.ts";
import { requirePrograms } from "../require.ts";
import { requirePyftpd, startPyftpd } from "../../servers/pyftpd.ts";
import { ftpHarness, harnessOf } from "./harness.ts";

if (!requirePrograms(["vsftpd"]).ignore && !requireRoot().ignore) {
  conformance("vsftpd", () => ftpHarness());
  conformance("vsftpd by TLS", () => ftpHarness({ tls: "explicit" }));
  conformance("vsftpd by implicit TLS", () => ftpHarness({ tls: "implicit" }));
}

if (!requirePyftpd().ignore) {
  conformance(
    "pyftpdlib by TLS",
    async () => harnessOf(await startPyftpd("explicit"), "explicit", "root"),
  );
}
