import type { LeftAsIs } from './domain/apply-rules.ts';
import type { AskedRequest, KeptRequest } from './domain/asked-request.ts';
import type { Caller } from './domain/caller.ts';
import type { Item } from './domain/item.ts';
import type { Notification } from './domain/notification.ts';
import type { Refusal } from './domain/refusal.ts';
import type { Reservation, ReservationState } from './domain/reservation.ts';
import type { Rules } from './domain/rules.ts';
import type { SeenPool } from './domain/seen-pools.ts';
import type { Warehouse } from './domain/sourcing.ts';
import type { StockLevel } from './domain/stock-level.ts';
import type { TransitionKind } from './domain/transition.ts';
import type { PoolRef, Target, WorkingSet } from './domain/working-set.ts';
import type { CallTrace } from './ports/call-trace.ts';
import type { Needs } from './ports/needs.ts';

export { type Needs, NO_NEEDS, type TrackedItem } from './ports/needs.ts';

/** Wall clock of this process, in milliseconds since the Unix epoch. Deadlines of stock use the database's clock. */
export interface Clock {
  now(): number;
}

/** Where ids come from. */
export interface Ids {
  /** A time-ordered UUID (version 7). */
  uuid(): string;
  /** Cryptographically random bytes. */
  randomBytes(length: number): Uint8Array;
}

/** What a changing call is remembered by, so that a repetition is answered and not done again. */
export interface Claim {
  readonly method: string;
  readonly requestId: string;
  /** SHA-256 over the decoded request. */
  readonly contentHash: Uint8Array;
  /** The reservation a Reserve will make, so that its claim needs no second write. */
  readonly newReservationId?: string;
}

export type VerdictKind = 'ACCEPTED' | 'IGNORED' | 'REJECTED';

/** Our answer to one message of a warehouse. */
export interface Verdict {
  readonly kind: VerdictKind;
  /** A refusal reason, empty when accepted. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A reservation that rules leave as it is, and why. */
export interface LeftReservation extends LeftAsIs {
  readonly trackingId: string;
  readonly exchangeId: string;
}

/** What a command answers. Kept with its request id, so it must survive JSON. */
export type Answer =
  | { readonly kind: 'reservation'; readonly reservation: Reservation | null }
  | { readonly kind: 'milestone'; readonly reservation: Reservation | null; readonly applied: boolean }
  | { readonly kind: 'stock'; readonly levels: readonly StockLevel[] }
  | { readonly kind: 'items'; readonly items: readonly Item[] }
  | { readonly kind: 'warehouses'; readonly warehouses: readonly Warehouse[] }
  | { readonly kind: 'notification'; readonly notification: Notification }
  | { readonly kind: 'rules'; readonly rules: Rules }
  | {
      readonly kind: 'rules-applied';
      readonly checked: number;
      readonly ruleVersion: number;
      readonly changed: readonly Reservation[];
      readonly left: readonly LeftReservation[];
      /** Reservations that match and were not looked at, and where to go on. */
      readonly remaining: number;
      readonly nextToken: string;
    }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'swept'; readonly count: number };

/** The pools as a decision saw them, where it could have chosen among some, and what it might have held instead. */
export interface SeenByRefusal extends Pick<KeptRequest, 'substitutes'> {
  readonly seen?: readonly SeenPool[];
}

export type Decision = { readonly answer: Answer } | ({ readonly refusal: Refusal } & SeenByRefusal);

/** A message for the outbox that no pool and no reservation carries: the verdict on a warehouse's message. */
export interface VerdictNotice {
  readonly wms: string;
  readonly event: string;
  readonly messageId: string;
}

/** What a Reserve is for, to be remembered where it is refused. */
export interface AskedReserve {
  readonly exchangeId: string;
  readonly returnCaseId: string;
  readonly orderId: string;
  readonly request: AskedRequest;
}

/** One change to be decided inside a unit of work. `decide` is synchronous and touches nothing but the working set. */
export interface Command {
  /** Low-cardinality name for traces and metrics, such as `reserve`. */
  readonly name: string;
  readonly caller: Caller;
  readonly claim: Claim | null;
  readonly needs: Needs;
  /** Request lines, counted against the unit's bound. */
  readonly lineCount: number;
  readonly trace: CallTrace | null;
  /** Set for warehouse messages: announces the verdict in the same commit. */
  readonly notice?: VerdictNotice;
  /** Set for a Reserve whose refusal is kept. */
  readonly asked?: AskedReserve;
  decide(work: WorkingSet): Decision;
}

export type Outcome =
  | { readonly ok: true; readonly answer: Answer; readonly replayed: boolean }
  | ({ readonly ok: false; readonly refusal: Refusal } & SeenByRefusal);

export interface SubmitOptions {
  /** Drops the group while it is queued; a running unit is never cancelled for one caller. */
  readonly signal?: AbortSignal;
  /** `background` work gets at most a quarter of a unit. */
  readonly lane: 'caller' | 'background';
}

/** The unit of work seen from outside: many commands, one commit. */
export interface UnitOfWork {
  /**
   * Decides a group in order, against what earlier commands left. Never rejects for a refusal. A bug of ours rejects a
   * group of one; in a larger group it is an INTERNAL refusal in its place.
   */
  submit(commands: readonly Command[], options: SubmitOptions): Promise<Outcome[]>;
}

/** A stock level with the units past their deadline that the clock has freed but nobody has swept. */
export interface StockView {
  readonly level: StockLevel;
  readonly due: number;
  /** The part of `due` that sales hold. */
  readonly saleDue: number;
}

export interface StockEntry extends StockView {
  readonly item: Item;
}

export interface Page<T> {
  readonly rows: readonly T[];
  /** Where the next page starts; empty at the end. */
  readonly nextPageToken: string;
}

export interface PageRequest {
  readonly size: number;
  readonly token: string;
}

export interface ReservationFilter {
  /** Only these; absent means any. */
  readonly reservationIds?: readonly string[];
  readonly returnCaseId: string;
  readonly exchangeId: string;
  readonly orderId: string;
  readonly customerRef: string;
  readonly sku: string;
  readonly warehouse: string;
  /** A serial unit that it holds or has shipped, or, resolved, held once; empty means any. */
  readonly unitId: string;
  readonly states: readonly ReservationState[];
  readonly createdBefore: number | null;
  readonly expiresBefore: number | null;
  readonly onlyShort: boolean;
}

/** Reads of the database; each one statement snapshot, never older than an answer already given. */
export interface ReservationReader {
  find(target: Target): Promise<Reservation | null>;
  /** Newest first. @throws InvalidPageToken */
  list(filter: ReservationFilter, page: PageRequest): Promise<Page<Reservation>>;
  /** How many of a list are left from a page token on. @throws InvalidPageToken */
  countFrom(filter: ReservationFilter, token: string): Promise<number>;
  /** Those of the ids that name a reservation. */
  known(reservationIds: readonly string[]): Promise<readonly string[]>;
}

export interface StockReader {
  /** Pools of the SKUs and warehouses; an empty list means all of them. At most `STOCK_READ_MAX` pools. */
  read(skus: readonly string[], warehouses: readonly string[]): Promise<StockView[]>;
  readPools(pools: readonly PoolRef[]): Promise<StockView[]>;
  /** All matching pools in (sku, warehouse) order, in pages, in bounded memory. */
  scan(skus: readonly string[], warehouses: readonly string[]): AsyncIterable<StockView[]>;
  list(skus: readonly string[], warehouses: readonly string[], page: PageRequest): Promise<Page<StockEntry>>;
  items(skus: readonly string[]): Promise<Item[]>;
  warehouses(): Promise<Warehouse[]>;
}

/** What changed since an earlier read, by commit visibility and not by time. */
export interface ChangeSet {
  /** Give this to the next read. */
  readonly position: bigint;
  /** Milliseconds since the Unix epoch by the database's clock: everything committed before is included. */
  readonly asOf: number;
  readonly pools: readonly PoolRef[];
  readonly reservationIds: readonly string[];
  /** Names the database incarnation; another one makes every position void. */
  readonly epoch: string;
  /** False when rows since the position may be gone: a full snapshot is needed. */
  readonly complete: boolean;
}

export interface ChangeFeed {
  position(): Promise<{ position: bigint; asOf: number; epoch: string }>;
  since(position: bigint): Promise<ChangeSet>;
  /** Pools among those given that hold units past their deadline. */
  duePools(): Promise<readonly PoolRef[]>;
}

/** One unpublished change, oldest first. */
export type OutboxRow = OutboxFacts &
  (
    | {
        readonly topic: 'reservation';
        readonly reservation: Reservation;
        readonly previous: Reservation | null;
        readonly kind: TransitionKind;
      }
    | { readonly topic: 'pool'; readonly view: StockView }
    | { readonly topic: 'verdict'; readonly notice: VerdictNotice; readonly verdict: Verdict }
  );

interface OutboxFacts {
  readonly outboxId: bigint;
  readonly version: number;
  readonly createdAt: number;
  readonly traceparent: string;
}

/** A relay's right to publish. A later holder has a higher epoch, so that a stale one is recognised. */
export interface RelayLease {
  readonly epoch: bigint;
  /** Unpublished rows by status, oldest first: no high-water mark, so no row can be skipped. */
  claim(limit: number): Promise<OutboxRow[]>;
  markPublished(outboxIds: readonly bigint[]): Promise<void>;
  /** False once the lease is lost; then nothing more may be published. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

export interface Outbox {
  /** The lease of a shard, or null while another process holds it. */
  lead(shard: number): Promise<RelayLease | null>;
  /** Rows waiting and the age of the oldest in milliseconds. */
  backlog(): Promise<{ readonly rows: number; readonly oldestAgeMs: number }>;
  /** Deletes published rows and request ids older than the retention, at most `limit` of each. */
  prune(olderThanMs: number, limit: number): Promise<number>;
}

/** Sends what the outbox holds to the world outside. Implemented by the NATS adapter. */
export interface MessagePublisher {
  /** Publishes the rows in order per subject and answers the ids whose every message was acknowledged. */
  publish(rows: readonly OutboxRow[], epoch: bigint, signal: AbortSignal): Promise<readonly bigint[]>;
}
