import assert from "node:assert/strict";
import { prometheusText } from "../../../runtime/telemetry/prometheus.ts";
import {
  LabelledCounter,
  LabelledHistogram,
  LabelValues,
  OTHER,
} from "../../../runtime/telemetry/series.ts";
import { readExposition } from "./exposition.ts";

Deno.test("the first values of a label keep their names, all later ones are other", () => {
  const tenants = new LabelValues(2);
  assert.deepEqual(["a", "b", "c", "a", "d", "b"].map((one) => tenants.of(one)), [
    ...["a", "b", OTHER],
    ...["a", OTHER, "b"],
  ]);
});

Deno.test("series beyond the bound are counted together, and nothing is lost", () => {
  const counter = new LabelledCounter({ name: "seen", help: "Seen.", most: 3 });
  const times = new LabelledHistogram({ name: "took", help: "Took.", most: 3 }, [1]);
  for (let index = 0; index < 1_000; index += 1) {
    counter.add({ one: `${index}`, two: "x" });
    times.add({ one: `${index}` }, 2);
  }
  const text = prometheusText([counter.metric("n"), times.metric("n")]);
  const families = readExposition(text);
  const samples = families.get("seen_total")!.samples;
  assert.equal(samples.length, 4);
  assert.equal(samples.reduce((sum, { value }) => sum + value, 0), 1_000);
  assert.deepEqual(samples.at(-1), {
    name: "seen_total",
    labels: { node: "n", one: OTHER, two: OTHER },
    value: 997,
  });
  assert.equal(families.get("took")!.samples.at(-1)!.value, 997);
});

Deno.test("the reader of the format refuses what Prometheus would not take", () => {
  const head = "# HELP a A.\n# TYPE a gauge\n";
  readExposition(`${head}a 1\na{b="c",d="e\\"f"} +Inf\n`);
  for (
    const text of [
      "a 1\n",
      `${head}a 1`,
      `${head}b 1\n`,
      `${head}a 1\na 1\n`,
      `${head}a{b=c} 1\n`,
      `${head}a{b="c",b="d"} 1\n`,
      `${head}a one\n`,
      `${head}a 1\n${head}`,
      "# HELP a A.\n# TYPE a counter\na 1\n",
      "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
      "# TYPE a gauge\na 1\n",
      '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
      '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    ]
  ) assert.throws(() => readExposition(text), text);
});
