import { conformance } from "../../conformance/suite.ts";
import { paperHarness } from "./harness.ts";

conformance("webdav", () => Promise.resolve(paperHarness()));
conformance("webdav with Content-Range", () => Promise.resolve(paperHarness({ partial: "range" })));
conformance("webdav with PATCH", () => Promise.resolve(paperHarness({ partial: "patch" })));
