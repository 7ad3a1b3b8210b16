import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isBefore,
  type ListPlace,
  mergeParts,
  parsePlace,
  type Part,
  placeText,
} from "../../../actors/archive/order.ts";

const place = fc.record({
  atMs: fc.nat({ max: 5 }),
  id: fc.stringMatching(/^[a-c]{1,2}$/),
}, { noNullPrototype: true });

function sorted(places: readonly ListPlace[]): ListPlace[] {
  const byText = new Map(places.map((one) => [placeText(one), one]));
  return [...byText.values()].sort((a, b) => b.atMs - a.atMs || (a.id < b.id ? -1 : 1));
}

/** What a source of `places` gives when it looks at `scan` of them and stops at `limit`. */
function partOf(
  places: readonly ListPlace[],
  after: ListPlace | null,
  limit: number,
  scan: number,
) {
  const left = places.filter((one) => after === null || isBefore(after, one));
  const seen = left.slice(0, Math.min(limit, scan));
  const part: Part<ListPlace> = {
    items: seen.map((one) => ({ place: one, item: one })),
    through: seen.length < left.length ? seen.at(-1)! : null,
  };
  return part;
}

Deno.test("pages merged from several lists, however far each is looked at, give all of them once and in order", () => {
  fc.assert(fc.property(
    fc.array(fc.array(place, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 1, max: 5 }),
    fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 4, maxLength: 4 }),
    (lists, limit, scans) => {
      const sources = lists.map(sorted);
      const found: ListPlace[] = [];
      let after: ListPlace | null = null;
      for (;;) {
        const parts = sources.map((one, at) => partOf(one, after, limit, scans[at]!));
        const page: Part<ListPlace> = mergeParts(parts, limit);
        assert.ok(page.items.length <= limit);
        found.push(...page.items.map(({ item }) => item));
        if (page.through === null) break;
        assert.ok(after === null || isBefore(after, page.through), "it goes on");
        after = page.through;
      }
      assert.deepEqual(found, sorted(lists.flat()));
    },
  ));
});

Deno.test("what is in two parts is taken from the first of them", () => {
  const at = { atMs: 1, id: "a" };
  const part = (item: string): Part<string> => ({ items: [{ place: at, item }], through: null });
  const { items } = mergeParts([part("state"), part("archive")], 10);
  assert.deepEqual(items.map(({ item }) => item), ["state"]);
});

Deno.test("a place comes back from its text, and what is none is refused", () => {
  fc.assert(fc.property(fc.nat(), fc.stringMatching(/^[!-~]{1,20}$/), (atMs, id) => {
    assert.deepEqual(parsePlace(placeText({ atMs, id })), { atMs, id });
  }));
  for (const text of ["", "x", "12", "12:", ":a", "-1:a", "1e3:a"]) {
    assert.equal(parsePlace(text), null, text);
  }
});
