import { conformance } from "../../conformance/suite.ts";
import { paperHarness } from "./harness.ts";

conformance("azure on paper", () => Promise.resolve(paperHarness()));
