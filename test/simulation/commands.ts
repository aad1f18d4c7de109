import { createHash } from 'node:crypto';
import type { StockCount } from '../../src/domain/counting.ts';
import type { Milestone } from '../../src/domain/milestone-rules.ts';
import type { ReleaseReason } from '../../src/domain/reservation.ts';
import type { Rules } from '../../src/domain/rules.ts';
import type { StockDelta } from '../../src/domain/stock-level.ts';
import type { PickEvent } from '../../src/use-cases/warehouse-message.ts';

/** Names one reservation without its ids: the `ordinal`-th (from 0) made for an exchange. */
export interface Ref {
  readonly exchangeId: string;
  readonly ordinal: number;
}

/** A target by exchange names the newest reservation, whatever the ordinal. */
export interface SimTarget extends Ref {
  readonly by: 'reservation' | 'tracking' | 'exchange';
}

export interface SimLine {
  readonly sku: string;
  readonly quantity: number;
  readonly orderLineId: string;
  readonly warehouse: string;
  readonly purchased: number;
}

export interface ReserveCommand {
  readonly kind: 'reserve';
  readonly requestId: string;
  readonly exchangeId: string;
  readonly orderId: string;
  /** Left out for an exchange of no channel. */
  readonly channel?: string;
  readonly lines: readonly SimLine[];
  readonly partial: boolean;
  readonly holdWindowMs: number | null;
  /** Milliseconds since the Unix epoch, or null where unknown. */
  readonly deliveredAt: number | null;
  readonly reason: string;
  readonly validateOnly: boolean;
  readonly replaceExisting?: boolean;
  readonly waitlist?: boolean;
  readonly acceptSubstitutes?: boolean;
  readonly priority?: number;
}

export interface ReleaseCommand {
  readonly kind: 'release';
  readonly requestId: string;
  readonly target: SimTarget;
  readonly etag: string;
  readonly reason: ReleaseReason;
}

export interface FulfilCommand {
  readonly kind: 'fulfil';
  readonly requestId: string;
  readonly target: SimTarget;
  readonly lines: readonly { readonly lineNumber: number; readonly quantity: number }[];
  readonly close: boolean;
}

export interface ExtendCommand {
  readonly kind: 'extend';
  readonly requestId: string;
  readonly target: SimTarget;
  readonly etag: string;
  readonly expireAt: number;
}

export interface SwapCommand {
  readonly kind: 'swap';
  readonly requestId: string;
  readonly target: SimTarget;
  readonly etag: string;
  readonly lines: readonly SimLine[];
  readonly partial: boolean;
  readonly waitlist?: boolean;
  readonly acceptSubstitutes?: boolean;
}

export interface TransferCommand {
  readonly kind: 'transfer';
  readonly requestId: string;
  readonly target: SimTarget;
  readonly etag: string;
  readonly toWarehouse: string;
  readonly lines: readonly { readonly lineNumber: number; readonly quantity: number }[];
}

export interface MilestoneCommand {
  readonly kind: 'milestone';
  readonly requestId: string;
  readonly target: SimTarget;
  readonly milestone: Milestone;
}

/** What the clock does: it sweeps what is past its deadline, and warns of what is near it. */
export interface SweepCommand {
  readonly kind: 'sweep' | 'warn';
  readonly refs: readonly Ref[];
}

export interface MoveCommand {
  readonly kind: 'receive' | 'adjust';
  readonly requestId: string;
  readonly changes: readonly { readonly sku: string; readonly warehouse: string; readonly delta: StockDelta }[];
}

export interface CountCommand {
  readonly kind: 'count';
  readonly requestId: string;
  readonly counts: readonly StockCount[];
}

export interface PickCommand {
  readonly kind: 'pick';
  readonly requestId: string;
  readonly event: PickEvent;
  readonly wms: string;
  readonly warehouse: string;
  readonly ref: Ref;
  readonly lines: readonly { readonly lineNumber: number; readonly sku: string; readonly quantity: number }[];
  readonly occurredAt: number;
}

export interface CountedCommand {
  readonly kind: 'counted';
  readonly requestId: string;
  readonly wms: string;
  readonly warehouse: string;
  readonly counts: readonly StockCount[];
  readonly occurredAt: number;
}

/** What rules say of pools, picks and shortages, and of what is tried where too little is held; else they are the first. */
export type SimRules = Pick<
  Rules,
  | 'safetyStocks'
  | 'exchangePools'
  | 'lowThreshold'
  | 'sourcing'
  | 'splitAllowed'
  | 'pickOn'
  | 'shortageCures'
  | 'ladder'
>;

export interface RulesCommand {
  readonly kind: 'rules';
  readonly requestId: string;
  /** Versions put before in this history, as the etag claims. */
  readonly from: number;
  /** Null means at once. */
  readonly effectiveAt: number | null;
  readonly rules: SimRules;
}

export type SimCommand =
  | RulesCommand
  | ReserveCommand
  | ReleaseCommand
  | FulfilCommand
  | ExtendCommand
  | SwapCommand
  | TransferCommand
  | MilestoneCommand
  | SweepCommand
  | MoveCommand
  | CountCommand
  | PickCommand
  | CountedCommand;

/** What a request id is remembered with: principal, method and id, as the service scopes them. */
export function claimKeyOf(command: SimCommand): string {
  if (isByClock(command)) return '';
  if (command.kind === 'reserve' && command.validateOnly) return '';
  return `${principalOf(command)}/${methodOf(command)}/${command.requestId}`;
}

export function isByClock(command: SimCommand): command is SweepCommand {
  return command.kind === 'sweep' || command.kind === 'warn';
}

export function principalOf(command: SimCommand): string {
  return command.kind === 'pick' || command.kind === 'counted' ? `wms:${command.wms}` : 'simulation';
}

function methodOf(command: SimCommand): string {
  return command.kind === 'pick' || command.kind === 'counted' ? 'wms' : command.kind;
}

/** SHA-256 over the command without its id, as the transport makes it of the decoded request. */
export function contentHashOf(command: SimCommand): Uint8Array {
  return createHash('sha256')
    .update(JSON.stringify({ ...command, requestId: '' }))
    .digest();
}
