/** Workers of simulated processes: more lives on the same machine, joined by ports that never fail. */

import { limitValues } from "../base/limits.ts";
import { SocketError } from "../env/errors.ts";
import type { Socket, SocketBounds, SocketPeer, Workers } from "../env/sockets.ts";
import type { Incarnation } from "./incarnation.ts";
import { SIM_LIMITS } from "./limits.ts";
import { Path } from "./path.ts";
import { Pipe } from "./pipe.ts";
import { SimSocket } from "./socket.ts";
import type { VirtualTime } from "./time.ts";

const LIMITS = limitValues(SIM_LIMITS);
/** A port moves buffers within one process. */
const PORT_MS = { low: 0.01, high: 0.1 };
/** What starting takes: 27 ms were measured on an idle machine. */
const START_MS = { low: 20, high: 60 };
const PORT_BOUNDS: SocketBounds = {
  frameBytes: LIMITS.workerFrameBytes,
  lowBytes: LIMITS.workerLowBytes,
};

/** Makes the life of a Worker and tells how to run its module; `null` if there is none. */
export type WorkerMaker = (specifier: string, name: string) => StartedWorker | null;

/** A Worker that exists and does not run yet. */
export interface StartedWorker {
  readonly life: Incarnation;
  /** Runs the module, in a turn of the life. */
  readonly main: (parent: Socket) => void;
}

/** The Workers of one life; `parent` where it is one itself. */
export function simWorkers(
  incarnation: Incarnation,
  make: WorkerMaker,
  parent: Socket | null,
  ownName: string | null,
): Workers {
  return {
    start: (specifier, { name }) => {
      const started = make(specifier, name);
      if (started === null) {
        throw new SocketError(
          "refused",
          `cannot start the Worker ${name}: no module ${specifier}; name it with world.workerModule`,
        );
      }
      const { life, main } = started;
      const { ours, theirs } = simPort(incarnation.world, incarnation, life, name);
      incarnation.adopt(life);
      const startMs = START_MS.low +
        incarnation.world.random.stream(`${life.name}/start`).next() *
          (START_MS.high - START_MS.low);
      life.after(startMs, "start", () => main(theirs));
      return { socket: ours, terminate: () => life.end("process") };
    },
    parent,
    name: ownName,
  };
}

/** A port between a process and its Worker. */
export function simPort(
  time: VirtualTime,
  parent: Incarnation,
  worker: Incarnation,
  name: string,
  bounds = PORT_BOUNDS,
): { readonly ours: Socket; readonly theirs: Socket } {
  const down = new Path(time, parent.name, worker.name, PORT_MS);
  const up = new Path(time, worker.name, parent.name, PORT_MS);
  const ours = end(parent, `worker ${name}`, down, bounds);
  const theirs = end(worker, `starter of worker ${name}`, up, bounds);
  const toWorker = new Pipe(time, down, up, "port", {
    arrived: (item) => theirs.arrive(item),
    left: () => ours.left(),
    gaveUp: () => ours.lose(),
  });
  const toParent = new Pipe(time, up, down, "port", {
    arrived: (item) => ours.arrive(item),
    left: () => theirs.left(),
    gaveUp: () => theirs.lose(),
  });
  ours.join(toWorker, toParent);
  theirs.join(toParent, toWorker);
  return { ours, theirs };
}

function end(
  incarnation: Incarnation,
  address: string,
  path: Path,
  bounds: SocketBounds,
): SimSocket {
  const peer: SocketPeer = { address, encrypted: false, own: true, certificate: null };
  return new SimSocket({ incarnation, label: "port", peer, bounds, path, gone: () => {} });
}
