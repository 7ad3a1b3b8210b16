import assert from "node:assert/strict";
import fc from "fast-check";
import { type RateSettings, rateSettings } from "../../../actors/bandwidth/messages.ts";
import { holdsAt, rateAt } from "../../../actors/bandwidth/rules.ts";
import { type Rates, ratesAt, type Running, Takers } from "../../../actors/bandwidth/shares.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";

const at = (text: string) => Date.parse(text);

const WORKING_HOURS = {
  days: ["mon", "tue", "wed", "thu", "fri"] as ["mon", "tue", "wed", "thu", "fri"],
  from: "08:00",
  to: "18:00",
  timeZone: "Europe/Berlin",
  bytesPerSecond: 1_000_000,
};

Deno.test("a window holds in the hours of its own time zone, summer and winter", () => {
  // 2026-11-20 is a Friday; Berlin is one hour before UTC in winter, two in summer.
  assert.equal(holdsAt(WORKING_HOURS, at("2026-11-20T06:59:59Z")), false);
  assert.equal(holdsAt(WORKING_HOURS, at("2026-11-20T07:00:00Z")), true);
  assert.equal(holdsAt(WORKING_HOURS, at("2026-11-20T16:59:59Z")), true);
  assert.equal(holdsAt(WORKING_HOURS, at("2026-11-20T17:00:00Z")), false);
  assert.equal(holdsAt(WORKING_HOURS, at("2026-07-17T06:00:00Z")), true);
  assert.equal(holdsAt(WORKING_HOURS, at("2026-11-21T10:00:00Z")), false, "a Saturday");
});

Deno.test("a window over midnight belongs to the day on which it begins", () => {
  const night = {
    ...WORKING_HOURS,
    days: ["fri"] as ["fri"],
    from: "22:00",
    to: "06:00",
    timeZone: "UTC",
  };
  assert.equal(holdsAt(night, at("2026-11-20T21:59:00Z")), false);
  assert.equal(holdsAt(night, at("2026-11-20T22:00:00Z")), true);
  assert.equal(holdsAt(night, at("2026-11-21T05:59:00Z")), true);
  assert.equal(holdsAt(night, at("2026-11-21T06:00:00Z")), false);
  assert.equal(holdsAt(night, at("2026-11-20T03:00:00Z")), false, "the night of Thursday");
});

Deno.test("the first window that holds counts, else what holds all day", () => {
  const settings: RateSettings = {
    bytesPerSecond: null,
    windows: [WORKING_HOURS, {
      ...WORKING_HOURS,
      from: "00:00",
      to: "23:59",
      bytesPerSecond: 5_000,
    }],
  };
  assert.equal(rateAt(settings, at("2026-11-20T10:00:00Z")), 1_000_000);
  assert.equal(rateAt(settings, at("2026-11-20T20:00:00Z")), 5_000);
  assert.equal(rateAt(settings, at("2026-11-21T20:00:00Z")), null);
});

Deno.test("settings that cannot hold are refused", () => {
  const parse = (window: Record<string, unknown>) =>
    rateSettings.safeParse({ bytesPerSecond: null, windows: [{ ...WORKING_HOURS, ...window }] });
  assert.equal(parse({}).success, true);
  for (
    const window of [{ from: "24:00" }, { timeZone: "Mars/Olympus" }, { days: [] }, {
      days: ["Mon"],
    }]
  ) {
    assert.equal(parse(window).success, false, JSON.stringify(window));
  }
  assert.equal(rateSettings.safeParse({ bytesPerSecond: 10 }).success, false);
});

function running(id: string, agent: string, from = "http://a/x", to = "file:///b"): Running {
  const spec = { source: { uri: from }, destination: { uri: to } } as TransferSpec;
  return { id, tenant: "acme", agent, spec };
}

function sharesAt(rules: Map<string, RateSettings>, jobs: readonly Running[], nowMs: number) {
  const takers = new Takers(10_000);
  const rates = ratesAt(rules, nowMs);
  takers.look(rates, jobs, nowMs);
  return takers.shares(rates);
}

const rules = (...entries: readonly (readonly [string, number])[]) =>
  new Map(entries.map(([key, bytesPerSecond]) => [key, { bytesPerSecond, windows: [] }]));

Deno.test("a rule is divided by the transfers that it is about, wherever they run", () => {
  const jobs = [
    running("1", "a1"),
    running("2", "a1"),
    running("3", "a2"),
    running("4", "a2", "http://c/x"),
  ];
  const shares = sharesAt(rules(["host/a", 30_000], ["agent/*", 9_000], ["job/4", 2_048]), jobs, 0);
  assert.deepEqual(shares.get("a1"), { "host/a": 20_000, "agent/a1": 9_000 });
  assert.deepEqual(shares.get("a2"), { "host/a": 10_000, "agent/a2": 9_000, "job/4": 2_048 });
});

Deno.test("a rule for one replaces the one for everybody, and links have two ends", () => {
  const jobs = [running("1", "a1"), running("2", "a2", "sftp://s/x", "http://d/y")];
  const shares = sharesAt(
    rules(["agent/*", 9_000], ["agent/a2", 5_000], ["link/s>d", 4_000], ["link/a>local", 3_000]),
    jobs,
    0,
  );
  assert.deepEqual(shares.get("a1"), { "agent/a1": 9_000, "link/a>local": 3_000 });
  assert.deepEqual(shares.get("a2"), { "agent/a2": 5_000, "link/s>d": 4_000 });
});

Deno.test("an agent between two short transfers keeps a share for a while", () => {
  const takers = new Takers(10_000);
  const rates: Rates = { "tenant/*": 9_000 };
  const share = (agent: string) => takers.shares(rates).get(agent)?.["tenant/acme"];
  takers.look(rates, [running("1", "a1"), running("2", "a1"), running("3", "a2")], 0);
  assert.deepEqual([share("a1"), share("a2")], [6_000, 3_000]);
  takers.look(rates, [running("3", "a2")], 5_000);
  assert.deepEqual([share("a1"), share("a2")], [4_500, 4_500]);
  takers.look(rates, [running("3", "a2")], 11_000);
  assert.deepEqual([share("a1"), share("a2")], [undefined, 9_000]);
  takers.look({}, [running("3", "a2")], 12_000);
  assert.equal(takers.shares({}).size, 0);
});

Deno.test("the shares of a rule are never more together than the rule", () => {
  const job = fc.record({
    agent: fc.constantFrom("a1", "a2", "a3"),
    host: fc.constantFrom("h1", "h2"),
    tenant: fc.constantFrom("t1", "t2"),
  });
  fc.assert(fc.property(fc.array(job, { maxLength: 30 }), (jobs) => {
    const under = rules(["tenant/*", 10_000], ["host/h1", 7_000], ["agent/a1", 5_000]);
    const all = jobs.map(({ agent, host, tenant }, index) => ({
      ...running(String(index), agent, `http://${host}/x`),
      tenant,
    }));
    const sums = new Map<string, number>();
    for (const own of sharesAt(under, all, 0).values()) {
      for (const [bucket, rate] of Object.entries(own)) {
        assert.ok(rate > 0);
        sums.set(bucket, (sums.get(bucket) ?? 0) + rate);
      }
    }
    for (const [bucket, sum] of sums) {
      const most = bucket.startsWith("tenant/") ? 10_000 : bucket === "host/h1" ? 7_000 : 5_000;
      assert.ok(Math.abs(sum - most) < 1e-6, `${bucket}: ${sum}`);
    }
  }));
});
