import { conformance } from "../../conformance/suite.ts";
import { paperHarness } from "./paper_harness.ts";

conformance("smb on paper", () => Promise.resolve(paperHarness()));
conformance(
  "smb on paper, without hard links and without a folder for short files",
  () => Promise.resolve(paperHarness({ hardLinks: false }, null)),
);
conformance(
  "smb on paper, by a client that reads more than a line ahead",
  () => Promise.resolve(paperHarness({ bufferBytes: 65_536 })),
);
