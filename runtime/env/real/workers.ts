/**
 * Workers of this process, on `node:worker_threads`: a Deno Worker that ends by itself (`self.close`,
 * `Deno.exit`) tells nobody, this one tells in every case.
 */

import { parentPort, Worker, workerData } from "node:worker_threads";
import { messageOf } from "../../base/errors.ts";
import { limitValues } from "../../base/limits.ts";
import type { LogPort } from "../env.ts";
import { SocketError } from "../errors.ts";
import type { Socket, SocketBounds, SocketPeer, WorkerHandle, Workers } from "../sockets.ts";
import { SOCKET_LIMITS } from "./sockets_limits.ts";
import { type FramePort, PortSocket } from "./workers_port.ts";

const LIMITS = limitValues(SOCKET_LIMITS);
const BOUNDS: SocketBounds = {
  frameBytes: LIMITS.workerFrameBytes,
  lowBytes: LIMITS.workerLowBytes,
};

/** By this a Worker of ours knows itself. */
interface Birth {
  readonly quorusWorker: string;
}

function ownPeer(address: string): SocketPeer {
  return { address, encrypted: false, own: true, certificate: null };
}

function startThread(specifier: string, name: string): Worker {
  try {
    const birth: Birth = { quorusWorker: name };
    return new Worker(new URL(specifier), { name, workerData: birth });
  } catch (thrown) {
    throw new SocketError(
      "denied",
      `cannot start the worker ${name}: ${
        messageOf(thrown)
      }; give an absolute URL that may be read`,
      { cause: thrown },
    );
  }
}

/** Threads of this process; `log` is told of those that fail, or end while their socket stands. */
export class RealWorkers implements Workers {
  readonly #log: LogPort;
  #parent: Socket | null = null;

  constructor(log: LogPort) {
    this.#log = log;
  }

  start(specifier: string, options: { readonly name: string }): WorkerHandle {
    const { name } = options;
    const thread = startThread(specifier, name);
    const socket = new PortSocket(thread as FramePort, ownPeer(`worker ${name}`), BOUNDS);
    let expected = false;
    thread.on("error", (error: Error) => {
      expected = true;
      this.#log.write("error", "a worker failed", { worker: name, error: messageOf(error) });
      socket.lose();
    });
    thread.on("exit", (code: number) => {
      if (!expected && socket.lose()) {
        this.#log.write("error", "a worker ended without a goodbye", { worker: name, code });
      }
    });
    const terminate = () => {
      expected = true;
      socket.lose();
      thread.terminate();
    };
    return { socket, terminate };
  }

  /** The connection to who started this Worker; one Env of a Worker may take it. */
  get parent(): Socket | null {
    const { name } = this;
    if (parentPort === null || name === null) return null;
    const port = parentPort as unknown as FramePort;
    this.#parent ??= new PortSocket(port, ownPeer(`starter of worker ${name}`), BOUNDS);
    return this.#parent;
  }

  get name(): string | null {
    return (workerData as Partial<Birth> | null | undefined)?.quorusWorker ?? null;
  }
}
