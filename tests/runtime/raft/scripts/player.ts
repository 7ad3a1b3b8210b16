/** Plays the commands of a script; `tests/golden/raft/README.md` describes the words. */

import type { MembershipChange } from "../../../../runtime/raft/core/configuration.ts";
import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Durability } from "../../../../runtime/raft/core/input.ts";
import type { Raft } from "../../../../runtime/raft/core/raft.ts";
import { MemberClock } from "../cluster/clock.ts";
import { openStage, parseRole } from "./casting.ts";
import { configurationText } from "./chronicle.ts";
import { ScriptError } from "./script_error.ts";
import { parseSelector, selects, type Thing } from "./selector.ts";
import type { Role, Stage } from "./stage.ts";
import { diskText, memberText, messageText, peersText, stampsText } from "./views.ts";

const encoder = new TextEncoder();

/** Plays one script, command by command. */
export class Player {
  #stage: Stage | null = null;
  readonly #roles = new Map<MemberId, Role>();

  /** Carries one command out; the lines that can be seen then. */
  play(command: string): string[] {
    const words = command.split(/\s+/);
    const [verb = "", ...rest] = words;
    if (verb === "cluster") {
      this.#stage = openStage(command.slice(verb.length).trim(), this.#roles);
      return [];
    }
    const stage = this.#stage;
    if (stage === null) throw new ScriptError("a script begins with: cluster");
    if (verb === "show") return this.#show(stage, rest);
    this.#do(stage, verb, rest, command);
    stage.settle();
    const seen = stage.chronicle.take();
    // That it had to ask goes without saying.
    return verb === "elect" ? seen.filter((line) => !line.startsWith(`${rest[0]} asks`)) : seen;
  }

  /** The last steps of members, for whoever looks for an error. */
  get trace(): readonly string[] {
    return this.#stage?.trace.lines() ?? [];
  }

  #do(stage: Stage, verb: string, words: readonly string[], command: string): void {
    const [first = "", second = "", third = ""] = words;
    switch (verb) {
      case "elect":
        return stage.elect(first);
      case "timeout":
        return stage.timeout(first);
      case "wait":
        return stage.pass(milliseconds(first));
      case "tick":
        return stage.tell(first, { type: "tick" });
      case "propose":
        return this.#propose(stage, first, words.slice(1));
      case "read":
        return stage.tell(first, { type: "read", context: second, byClock: third === "by" });
      case "transfer":
        return stage.tell(first, {
          type: "transfer",
          id: stage.chronicle.wish(command),
          to: second === "to" ? third : null,
        });
      case "change": {
        const change = this.#change(words.slice(1));
        return stage.tell(first, { type: "change", id: stage.chronicle.wish(command), change });
      }
      case "unreachable":
        return stage.tell(first, { type: "unreachable", member: second });
      case "snapshot":
        return stage.takeSnapshot(stage.member(first));
      default:
        return this.#doToMembers(stage, verb, words);
    }
  }

  #doToMembers(stage: Stage, verb: string, words: readonly string[]): void {
    const [first = "", second = ""] = words;
    switch (verb) {
      case "crash":
        return stage.crash(stage.member(first), second === "keeping");
      case "start":
        return stage.start(stage.member(first));
      case "pause":
        for (const id of words) stage.paused.add(stage.member(id).id);
        return;
      case "resume":
        for (const id of words) stage.paused.delete(id);
        return;
      case "clock":
        return stage.member(first).clock.jumpWall(milliseconds(second));
      case "join": {
        const role = parseRole(first, this.#roles.size);
        this.#roles.set(role.id, role);
        return stage.start(stage.make(role));
      }
      case "wipe": {
        const role = this.#roles.get(stage.member(first).id)!;
        stage.crash(stage.member(first), false);
        return stage.start(stage.make(role));
      }
      case "cut":
        return cut(stage, words);
      case "heal":
        stage.links.heal();
        stage.losses = [];
        return;
      default:
        return this.#doToThings(stage, verb, words);
    }
  }

  #doToThings(stage: Stage, verb: string, words: readonly string[]): void {
    switch (verb) {
      case "hold":
        stage.holds.push(parseSelector(words));
        return;
      case "lose":
        stage.losses.push(parseSelector(words));
        return;
      case "release":
        return release(stage, words);
      case "forget": {
        const selector = parseSelector(words);
        stage.waiting = stage.waiting.filter((thing) => !selects(selector, thing));
        return release(stage, words);
      }
      case "deliver":
      case "finish":
        for (const thing of chosen(stage, words)) stage.happen(thing);
        return;
      case "drop":
        for (const thing of chosen(stage, words)) stage.happen(thing, true);
        return;
      case "duplicate":
        for (const thing of chosen(stage, words)) stage.waiting.push({ ...thing });
        return;
      default:
        throw new ScriptError(`no such command: ${verb}`);
    }
  }

  #propose(stage: Stage, id: MemberId, words: readonly string[]): void {
    const on = words.indexOf("on");
    const of = words.indexOf("of");
    const ends = [on, of].filter((place) => place >= 0);
    const names = words.slice(0, Math.min(words.length, ...ends)).flatMap(repeated);
    const durability = (on === -1 ? "quorum" : words[on + 1]) as Durability;
    const bytes = of === -1 ? 0 : Number(words[of + 1]);
    const proposals = names.map((name) => ({
      id: stage.chronicle.wish(name),
      data: encoder.encode(name.padEnd(bytes)),
      durability,
    }));
    stage.tell(id, { type: "propose", proposals });
  }

  #change(words: readonly string[]): MembershipChange {
    const [verb = "", id = "", third = "", fourth = ""] = words;
    switch (verb) {
      case "add": {
        const witness = this.#roles.get(id)?.witness ?? false;
        return { do: "addLearner", member: { id, witness, priority: 1 } };
      }
      case "promote":
        return { do: "promote", id };
      case "remove":
        return { do: "remove", id };
      case "replace":
        return { do: "replace", id, by: fourth };
      case "priority":
        return { do: "setPriority", id, priority: Number(third) };
      default:
        throw new ScriptError(`no such change: ${verb}`);
    }
  }

  #show(stage: Stage, words: readonly string[]): string[] {
    const [first = ""] = words;
    const ids = words.length > 1 ? words.slice(1) : [...stage.members.keys()];
    const rafts = (): Raft[] => ids.map((id) => stage.rafts.get(id)!);
    switch (first) {
      case "messages": {
        const selector = words.length > 1 ? parseSelector(words.slice(1)) : null;
        const lines = stage.waiting.flatMap((thing) => {
          if (thing.kind !== "message" || (selector !== null && !selects(selector, thing))) {
            return [];
          }
          return [messageText(thing.message)];
        });
        return lines.length === 0 ? ["none"] : lines;
      }
      case "work": {
        const lines = stage.waiting.flatMap((thing) => {
          return thing.kind === "message" ? [] : [`${thing.kind} ${thing.of}`];
        });
        return lines.length === 0 ? ["none"] : lines;
      }
      case "disk":
        return ids.map((id) => `${id}: ${diskText(stage.member(id))}`);
      case "peers":
        return rafts().flatMap(peersText);
      case "configuration":
        return rafts().map(({ id, configuration, configurationIndex }) => {
          return `${id}: configuration ${configurationIndex}: ${configurationText(configuration)}`;
        });
      case "stamps": {
        const { wallMs } = new MemberClock(1, 0, 0).moment(0, 0);
        return rafts().map((raft) => stampsText(raft, wallMs));
      }
      default: {
        const shown = words.length > 0 ? words : [...stage.members.keys()];
        return shown.map((id) => memberText(stage.member(id), stage.rafts.get(id)));
      }
    }
  }
}

/** `x*3` is x1 x2 x3. */
function repeated(word: string): string[] {
  const [name = "", count] = word.split("*");
  if (count === undefined) return [word];
  return Array.from({ length: Number(count) }, (_, place) => `${name}${place + 1}`);
}

function milliseconds(word: string): number {
  const match = /^([+-]?\d+)(ms|s)$/.exec(word);
  if (match === null) throw new ScriptError(`how long is ${word}? 300ms, 2s, +10s`);
  return Number(match[1]) * (match[2] === "s" ? 1_000 : 1);
}

/** `a | b c` in both directions, `a -> b` in one, `a` from all others. */
function cut(stage: Stage, words: readonly string[]): void {
  const arrow = words.indexOf("->");
  const bar = words.indexOf("|");
  const place = arrow === -1 ? bar : arrow;
  const left = place === -1 ? words : words.slice(0, place);
  const right = place === -1
    ? [...stage.members.keys()].filter((id) => !left.includes(id))
    : words.slice(place + 1);
  for (const one of left) {
    for (const other of right) {
      if (arrow === -1) stage.links.cutBoth(one, other);
      else stage.links.cut(one, other);
    }
  }
}

function release(stage: Stage, words: readonly string[]): void {
  const text = words.join(" ");
  const kept = text === "" ? [] : stage.holds.filter((hold) => hold.text !== text);
  if (kept.length === stage.holds.length) throw new ScriptError(`not held: ${text}`);
  stage.holds = kept;
}

/** All that wait now, or the `first` or `last` of them; it is an error if there are none. */
function chosen(stage: Stage, words: readonly string[]): Thing[] {
  const [which = ""] = words;
  const isOne = which === "first" || which === "last";
  const selector = parseSelector(isOne ? words.slice(1) : words);
  const all = stage.waiting.filter((thing) => selects(selector, thing));
  if (all.length === 0) throw new ScriptError(`nothing waits: ${words.join(" ")}`);
  return isOne ? all.slice(which === "first" ? 0 : -1).slice(0, 1) : all;
}
