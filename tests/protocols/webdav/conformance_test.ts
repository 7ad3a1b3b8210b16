import { conformance } from "../../conformance/suite.ts";
import { DigestGuard } from "../../servers/digest_guard.ts";
import { paperHarness } from "./harness.ts";

conformance("webdav", () => Promise.resolve(paperHarness()));
conformance("webdav with Content-Range", () => Promise.resolve(paperHarness({ partial: "range" })));
conformance("webdav with PATCH", () => Promise.resolve(paperHarness({ partial: "patch" })));
conformance("webdav with digest logins", () => {
  const guard = new DigestGuard({ username: "user", password: "p" });
  return Promise.resolve(paperHarness({ partial: "range" }, guard));
});
