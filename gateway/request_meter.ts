/** What the requests of one gateway look like in numbers. */

import { Histogram } from "../runtime/telemetry/histogram.ts";
import { gauge, histogram } from "../runtime/telemetry/labelled.ts";
import type { Metric } from "../runtime/telemetry/prometheus.ts";
import { type ProblemCode, PROBLEMS } from "./problem.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Route {
  readonly method: string;
  readonly route: string;
  readonly seconds: Histogram;
  readonly statuses: Map<number, number>;
}

/** Counts by route, never by path: the number of series is bounded by the number of routes. */
export class RequestMeter {
  readonly #routes = new Map<string, Route>();
  readonly #problems = new Map<ProblemCode, number>();
  inFlight = 0;

  /** A request was answered with a problem. */
  failed(code: ProblemCode): void {
    this.#problems.set(code, (this.#problems.get(code) ?? 0) + 1);
  }

  /** The meter of one route; look it up once. */
  route(method: string, route: string): RouteMeter {
    const name = `${method} ${route}`;
    const known = this.#routes.get(name) ??
      { method, route, seconds: new Histogram(SECONDS), statuses: new Map<number, number>() };
    this.#routes.set(name, known);
    return {
      ended: (status, ms) => {
        known.seconds.add(ms / 1_000);
        known.statuses.set(status, (known.statuses.get(status) ?? 0) + 1);
      },
    };
  }

  /** As metrics. */
  metrics(node: string): Metric[] {
    const problems = Object.keys(PROBLEMS) as ProblemCode[];
    const routes = [...this.#routes.values()].filter(({ statuses }) => statuses.size > 0);
    return [
      {
        name: "quorus_http_requests_total",
        help: "Requests that were answered.",
        type: "counter",
        samples: routes.flatMap(({ method, route, statuses }) =>
          [...statuses].map(([status, value]) => ({
            labels: { node, method, route, status: String(status) },
            value,
          }))
        ),
      },
      histogram(
        "quorus_http_request_duration_seconds",
        "From the request's head to the answer's.",
        routes.map(({ method, route, seconds }) => ({
          labels: { node, method, route },
          of: seconds,
        })),
        (seconds) => seconds.data(),
      ),
      gauge(
        "quorus_http_requests_in_flight",
        "Requests that are being worked on.",
        [{ labels: { node }, of: this }],
        ({ inFlight }) => inFlight,
      ),
      {
        name: "quorus_http_problems_total",
        help: "Answers that were a problem; tooMany: a rate was exceeded, overloaded: a bound.",
        type: "counter",
        samples: problems.map((problem) => {
          return { labels: { node, problem }, value: this.#problems.get(problem) ?? 0 };
        }),
      },
    ];
  }
}

/** Counts the requests of one route. */
export interface RouteMeter {
  ended(status: number, ms: number): void;
}
