import assert from "node:assert/strict";
import fc from "fast-check";
import { EventParser } from "../../client/event_parser.ts";

Deno.test("events are read with their ids, comments and unknown fields are passed over", () => {
  const parser = new EventParser();
  const text = 'retry: 1500\nid: 7.0\n\n: alive\n\nid: 8.1\ndata: {"a":\ndata: 1}\nevent: x\n\n';
  assert.deepEqual(parser.push(text), [
    { id: "7.0", data: null },
    { id: "8.1", data: '{"a":\n1}' },
  ]);
  assert.equal(parser.retryMs, 1_500);
  assert.equal(parser.pending, 0);
});

Deno.test("however a stream is cut and its lines end, its events are the same", () => {
  const event = fc.record({ id: fc.nat().map(String), data: fc.stringMatching(/^[a-z: ]{1,20}$/) });
  fc.assert(fc.property(
    fc.array(event, { maxLength: 6 }),
    fc.constantFrom("\n", "\r\n", "\r"),
    fc.array(fc.nat(200), { maxLength: 10 }),
    (events, end, cuts) => {
      const text = events.map(({ id, data }) => `id: ${id}${end}data: ${data}${end}${end}`).join(
        "",
      );
      const parser = new EventParser();
      const places = [...new Set([0, ...cuts.filter((at) => at < text.length), text.length])];
      places.sort((a, b) => a - b);
      const parsed = places.slice(1).flatMap((to, at) => parser.push(text.slice(places[at], to)));
      // A last line end of one character may be half of one with two.
      parsed.push(...parser.push(": end\n"));
      assert.deepEqual(parsed, events.map(({ id, data }) => ({ id, data })));
    },
  ));
});
