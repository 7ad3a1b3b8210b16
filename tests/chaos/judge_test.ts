/** Each promise that the judge looks at is broken once, on real files, to see that it notices. */

import assert from "node:assert/strict";
import type { Job, Run } from "../../client.ts";
import { inFolder } from "../cli/folder.ts";
import type { JobEvent } from "./feed.ts";
import { hashOf, type WantedFile } from "./files.ts";
import { type Evidence, judge } from "./judge.ts";
import { fileIdOf, Landing } from "./landing.ts";

/** A run of one file that went well. */
interface Case extends Evidence {
  readonly landing: Landing;
  readonly file: WantedFile;
  /** As an attempt publishes. */
  publish(text?: string): Promise<void>;
}

function withCase(work: (one: Case) => Promise<void>): Promise<void> {
  return inFolder(async (volume) => {
    Deno.writeTextFileSync(`${volume}/.quorus-volume`, "{}");
    const landing = new Landing(volume);
    const path = `${volume}/f.bin`;
    const publish = async (text = "right") => {
      const before = landing.landed.get("f.bin")?.length ?? 0;
      Deno.writeTextFileSync(`${volume}/.quorus-j1-1.1.5.part`, text);
      Deno.renameSync(`${volume}/.quorus-j1-1.1.5.part`, path);
      while ((landing.landed.get("f.bin")?.length ?? 0) === before) await landing.told();
    };
    try {
      await publish();
      const file = { name: "f.bin", bytes: 5, sha256: await hashOf(path) };
      await work({ ...wellDone(file, fileIdOf(path)!), volume, landing, file, publish });
    } finally {
      await landing.stop();
    }
  });
}

function wellDone(file: WantedFile, fileId: string) {
  const receipt = { bytes: file.bytes, sha256: file.sha256, fileId };
  const job = {
    id: "j1",
    runId: "r1",
    name: "f",
    state: "succeeded",
    why: "",
    error: null,
    receipt,
  };
  const run = { id: "r1", state: "succeeded", why: "", transfers: { succeeded: 1 } };
  return {
    submitted: [{ id: "r1", files: [file], startedMs: 0, acceptedMs: 1 }],
    runs: [run as unknown as Run],
    jobs: [job as unknown as Job],
    feed: { events: [event("running", 5), event("succeeded", 7)], missed: 0, failures: [] },
  };
}

function event(state: string, version: number): JobEvent {
  return { jobId: "j1", name: "f", atMs: version, state, agent: "a1", attempts: 1, version };
}

/** The promises that `change` breaks. */
function broken(
  title: string,
  promises: readonly string[],
  change: (one: Case) => Promise<Partial<Evidence>> | Partial<Evidence>,
): void {
  Deno.test(title, () =>
    withCase(async (one) => {
      const found = await judge({ ...one, ...await change(one) });
      assert.deepEqual([...new Set(found.map(({ promise }) => promise))], promises);
    }));
}

broken("nothing is said of what went well", [], () => ({}));

broken("a file that is published a second time is noticed", ["published once"], async (one) => {
  await one.publish();
  return {};
});

broken("other bytes are noticed", ["bytes are right", "published once"], async (one) => {
  await one.publish("wrong");
  return {};
});

broken("a file that is gone is noticed", ["bytes are right"], ({ volume }) => {
  Deno.removeSync(`${volume}/f.bin`);
  return {};
});

broken("what is left behind is noticed", ["nothing is left behind"], ({ volume }) => {
  Deno.writeTextFileSync(`${volume}/.quorus-j1-1.1.3.part`, "half");
  return {};
});

broken("a seized file that no job names is noticed", ["nothing is left behind"], ({ volume }) => {
  Deno.writeTextFileSync(`${volume}/.quorus-j1-1.1.3.part.seized`, "half");
  return {};
});

broken("a seized file that its job names may stay", [], ({ volume, jobs }) => {
  Deno.writeTextFileSync(`${volume}/.quorus-j1-1.1.3.part.seized`, "half");
  return { jobs: [{ ...jobs[0]!, why: "left .quorus-j1-1.1.3.part.seized for a person" }] };
});

broken("two ends of one job are noticed", ["a job ends once"], ({ feed }) => {
  const events = [...feed.events, event("failed", 9)];
  return { feed: { ...feed, events } };
});

broken("a job that goes on after its end is noticed", ["a job ends once"], ({ feed }) => {
  const events = [...feed.events, event("running", 9)];
  return { feed: { ...feed, events } };
});

broken("an end that is told twice is one end", [], ({ feed }) => {
  const events = [...feed.events, event("succeeded", 7)];
  return { feed: { ...feed, events } };
});

broken("an accepted run that nobody knows is noticed", ["accepted runs end well"], () => ({
  runs: [],
}));

broken("two jobs for one transfer are noticed", ["a job ends once"], ({ jobs }) => ({
  jobs: [...jobs, jobs[0]!],
}));

broken("a run that failed is noticed", ["accepted runs end well"], ({ runs }) => ({
  runs: [{ ...runs[0]!, state: "failed" }],
}));

broken("a receipt that tells something else is noticed", ["bytes are right"], ({ jobs }) => ({
  jobs: [{ ...jobs[0]!, receipt: { ...jobs[0]!.receipt, bytes: 4 } }],
}));
