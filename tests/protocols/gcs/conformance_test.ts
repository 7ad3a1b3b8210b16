import { conformance } from "../../conformance/suite.ts";
import { paperHarness } from "./harness.ts";

conformance("gcs on paper", () => Promise.resolve(paperHarness()));
