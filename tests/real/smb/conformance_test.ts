import { conformance } from "../../conformance/suite.ts";
import { requirePrograms } from "../require.ts";
import { smbHarness } from "./harness.ts";

if (!requirePrograms(["smbd", "smbpasswd", "smbclient"]).ignore) {
  conformance("Samba", () => smbHarness());
}
