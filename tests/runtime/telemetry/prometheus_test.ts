import assert from "node:assert/strict";
import fc from "fast-check";
import { Histogram } from "../../../runtime/telemetry/histogram.ts";
import { type Metric, prometheusText } from "../../../runtime/telemetry/prometheus.ts";

const gauge = (name: string, value: number, labels: Record<string, string> = {}): Metric => {
  return { name, help: "A number.", type: "gauge", samples: [{ labels, value }] };
};

Deno.test("prometheusText() writes head and samples, one head per name", () => {
  const text = prometheusText([
    gauge("quorus_depth", 3, { node: "a" }),
    { name: "quorus_sent_total", help: "Sent.", type: "counter", samples: [{ value: 1e21 }] },
    gauge("quorus_depth", 0.5, { node: "b", lane: "bulk" }),
  ]);
  assert.equal(
    text,
    `# HELP quorus_depth A number.
# TYPE quorus_depth gauge
quorus_depth{node="a"} 3
quorus_depth{node="b",lane="bulk"} 0.5
# HELP quorus_sent_total Sent.
# TYPE quorus_sent_total counter
quorus_sent_total 1e+21
`,
  );
});

Deno.test("prometheusText() escapes help and label values and names the values that are no number", () => {
  const samples = [
    { labels: { path: 'C:\\"x"\n' }, value: NaN },
    { value: Infinity },
    { value: -Infinity },
  ];
  const text = prometheusText([{ name: "m", help: "a\\b\nc", type: "gauge", samples }]);
  assert.equal(
    text,
    '# HELP m a\\\\b\\nc\n# TYPE m gauge\nm{path="C:\\\\\\"x\\"\\n"} NaN\nm +Inf\nm -Inf\n',
  );
});

Deno.test("prometheusText() writes histograms with cumulative buckets", () => {
  const histogram = new Histogram([0.1, 1]);
  histogram.add(0.1);
  histogram.add(0.5, 2);
  histogram.add(7);
  const samples = [{ labels: { node: "a" }, ...histogram.data() }];
  const text = prometheusText([{ name: "h_seconds", help: "H.", type: "histogram", samples }]);
  assert.deepEqual(text.trimEnd().split("\n").slice(2), [
    'h_seconds_bucket{node="a",le="0.1"} 1',
    'h_seconds_bucket{node="a",le="1"} 3',
    'h_seconds_bucket{node="a",le="+Inf"} 4',
    'h_seconds_sum{node="a"} 8.1',
    'h_seconds_count{node="a"} 4',
  ]);
});

Deno.test("prometheusText() refuses what Prometheus would not take", () => {
  const wrong: Metric[][] = [
    [gauge("quorus-depth", 1)],
    [gauge("depth", 1, { "a-b": "c" })],
    [{ name: "sent", help: "", type: "counter", samples: [] }],
    [gauge("sent_total", 1), { name: "sent_total", help: "", type: "counter", samples: [] }],
  ];
  for (const metrics of wrong) {
    assert.throws(() => prometheusText(metrics), { code: "BadMetric" });
  }
});

Deno.test("whatever a label holds, a line stays a line and can be read back", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (value) => {
    const line = prometheusText([gauge("m", 1, { label: value })]).split("\n")[2]!;
    const quoted = /^m\{label="(.*)"\} 1$/su.exec(line)![1]!;
    const read = quoted.replace(
      /\\(.)/gsu,
      (_, character) => character === "n" ? "\n" : character,
    );
    assert.equal(read, value);
  }));
});

Deno.test("a histogram puts every observation into the first bucket that is not smaller", () => {
  const numbers = fc.double({ noNaN: true, min: -1e6, max: 1e6 });
  fc.assert(fc.property(
    fc.uniqueArray(numbers, { minLength: 1 }),
    fc.array(numbers),
    (bounds, values) => {
      const sorted = bounds.toSorted((a, b) => a - b);
      const histogram = new Histogram(sorted);
      for (const value of values) histogram.add(value);
      const expected = [...sorted, Infinity].map((bound, index) => {
        const below = index === 0 ? -Infinity : sorted[index - 1]!;
        return values.filter((value) => value <= bound && (index === 0 || value > below)).length;
      });
      assert.deepEqual(histogram.data().counts, expected);
    },
  ));
});
