/** What a pass has given away so far, on top of what is committed: slots, hosts and tenants. */

import type { Bucket } from "./waiting_queue.ts";
import type { FleetView, Member } from "./fleet.ts";
import type { HostCaps, HostSide } from "./host_caps.ts";

/** What a tenant has and may have. */
export interface TenantView {
  readonly weight: number;
  /** Leases at a time; null: any number. */
  readonly maxRunning: number | null;
  /** The highest class that its jobs may ask for. */
  readonly ceiling: number;
  readonly leases: number;
  /** Moved lately (`usage.ts`). */
  readonly bytes: number;
}

/** Transfers under way by host, and how many there may be. */
export interface HostsView {
  readonly source: ReadonlyMap<string, number>;
  readonly destination: ReadonlyMap<string, number>;
  /** At a time from one source host, or to one destination host. */
  readonly most: number;
  /** Of hosts that bear fewer. */
  readonly caps?: Pick<HostCaps, "of">;
}

/** How many transfers a host may have at a time. */
export function mostOf({ most, caps }: HostsView, host: string, side: HostSide): number {
  return Math.min(most, caps?.of(host, side)?.most ?? most);
}

/** One pass's account. */
export class Book {
  readonly #fleet: FleetView;
  readonly #hosts: HostsView;
  readonly #totalBytes: number;
  readonly #slots = new Map<Member, number>();
  readonly #sources = new Map<string, number>();
  readonly #destinations = new Map<string, number>();
  readonly #tenants = new Map<string, number>();
  #given = 0;

  constructor(fleet: FleetView, hosts: HostsView, totalBytes: number) {
    this.#fleet = fleet;
    this.#hosts = hosts;
    this.#totalBytes = totalBytes;
  }

  get isSpent(): boolean {
    return this.#given >= this.#fleet.freeSlots;
  }

  /** Leases of an agent, those of this pass included. */
  leases(member: Member): number {
    return member.leases + (this.#slots.get(member) ?? 0);
  }

  hasSource({ sourceHost }: Bucket): boolean {
    if (sourceHost === null) return true;
    const taken = this.#sources.get(sourceHost) ?? 0;
    return (this.#hosts.source.get(sourceHost) ?? 0) + taken <
      mostOf(this.#hosts, sourceHost, "source");
  }

  hasDestination({ destinationHost }: Bucket): boolean {
    if (destinationHost === null) return true;
    const taken = this.#destinations.get(destinationHost) ?? 0;
    return (this.#hosts.destination.get(destinationHost) ?? 0) + taken <
      mostOf(this.#hosts, destinationHost, "destination");
  }

  hasHosts(bucket: Bucket): boolean {
    return this.hasSource(bucket) && this.hasDestination(bucket);
  }

  /** Whether a tenant may have one more lease. */
  mayRunMore(tenant: string, view: TenantView): boolean {
    return view.maxRunning === null || this.#running(tenant, view) < view.maxRunning;
  }

  /** The mean of a tenant's parts of all slots and of all bytes moved lately, by its weight. */
  use(tenant: string, view: TenantView): number {
    const slots = this.#running(tenant, view) / Math.max(1, this.#fleet.slots);
    const bytes = view.bytes / Math.max(1, this.#totalBytes);
    return (slots + bytes) / 2 / view.weight;
  }

  /** A job is given away; `reader` reads for the member, which takes a slot of it, too. */
  take(bucket: Bucket, member: Member, reader: Member | null = null): void {
    for (const one of reader === null ? [member] : [member, reader]) {
      this.#given += 1;
      add(this.#slots, one);
    }
    add(this.#tenants, bucket.tenant);
    this.holdSource(bucket);
    this.holdDestination(bucket);
  }

  /** Nobody else gets this transfer of the host in this pass. */
  holdSource({ sourceHost }: Bucket): void {
    if (sourceHost !== null) add(this.#sources, sourceHost);
  }

  holdDestination({ destinationHost }: Bucket): void {
    if (destinationHost !== null) add(this.#destinations, destinationHost);
  }

  #running(tenant: string, view: TenantView): number {
    return view.leases + (this.#tenants.get(tenant) ?? 0);
  }
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
