/** Cases: what a protocol says of itself before anything is opened. */

import assert from "node:assert/strict";
import type { Harness } from "./harness.ts";
import { sinkOf, sourceOf } from "./case.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";

/** A case about the protocol as a whole. */
export interface DescriptionCase {
  readonly title: string;
  run(harness: Harness): Promise<void>;
}

/** What one end has must have been said of all; one that says nothing of itself is not held to it. */
export const descriptionCases: readonly DescriptionCase[] = [
  {
    title: "describes the ends that it has, and no others",
    run({ protocol }) {
      const { description } = protocol;
      if (description === undefined) return Promise.resolve();
      for (const end of ["source", "sink", "directory"] as const) {
        const isThere = protocol[end] !== undefined;
        assert.equal(description[end] !== null, isThere, `${end}: described as it is`);
      }
      assert.ok(description.summary.length > 0 && !/[\n.]$/.test(description.summary));
      for (const [option, says] of Object.entries(description.options)) {
        assert.ok(says.length > 0, `option ${option} says something`);
      }
      return Promise.resolve();
    },
  },
  {
    title: "has no end that can do more than was described",
    async run(harness) {
      const { description } = harness.protocol;
      if (description === undefined) return;
      if (harness.source !== undefined) {
        const source = sourceOf(harness, harness.source, "any");
        assertAtMost(source.capabilities, description.source);
        await source.close();
      }
      if (harness.sink !== undefined) {
        const sink = sinkOf(harness, harness.sink, "any");
        assertAtMost(sink.capabilities, description.sink);
        await sink.close();
      }
      if (harness.directory !== undefined) {
        const endpoint = {
          ...plainEndpoint(harness.directory.uri("")),
          ...harness.directory.endpoint,
        };
        const directory = harness.protocol.directory!(endpoint, harness.context);
        assertAtMost(directory.capabilities, description.directory);
        await directory.close();
      }
    },
  },
];

function assertAtMost(actual: object, described: object | null): void {
  assert.ok(described !== null, "it is described");
  const most = described as Readonly<Record<string, unknown>>;
  for (const [capability, value] of Object.entries(actual)) {
    if (value === false) continue;
    if (capability === "fence" && value === "none") continue;
    assert.equal(most[capability], value, capability);
  }
}
