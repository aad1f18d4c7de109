import type { Reservation } from '../../src/gen/earmark/v1/reservation_pb.ts';

export type ChangingMethod = 'reserve' | 'release' | 'fulfil' | 'extend';

/** One call as its caller saw it. Instants are milliseconds since the Unix epoch. */
export interface CallRecord {
  readonly id: number;
  readonly method: ChangingMethod;
  readonly requestId: string;
  /** What was asked for, without the request id; the same at every attempt. */
  readonly request: Readonly<Record<string, unknown>>;
  /** The reservation that is to be changed; empty for Reserve. */
  readonly reservationId: string;
  readonly invokedAt: number;
  attempts: number;
  /** Attempts of which nobody knows whether they took effect. */
  unknown: number;
  answeredAt: number | null;
  outcome: 'pending' | 'ok' | 'refused';
  isReplayed: boolean;
  reservation: Reservation | null;
  /** The status and text of the last failed attempt. */
  failure: string;
}

/** Everything the callers did and were told, in the order of their first attempts. */
export class History {
  readonly calls: CallRecord[] = [];

  /** When a call that began after an instant first succeeded; null where none has. */
  firstSuccessSince(since: number): number | null {
    const later = this.calls.filter((call) => call.invokedAt > since && call.outcome === 'ok');
    return later.length === 0 ? null : Math.min(...later.map((call) => call.answeredAt ?? Number.POSITIVE_INFINITY));
  }

  invoke(call: Pick<CallRecord, 'method' | 'requestId' | 'request' | 'reservationId'>): CallRecord {
    const record: CallRecord = {
      ...call,
      id: this.calls.length + 1,
      invokedAt: Date.now(),
      attempts: 0,
      unknown: 0,
      answeredAt: null,
      outcome: 'pending',
      isReplayed: false,
      reservation: null,
      failure: '',
    };
    this.calls.push(record);
    return record;
  }

  succeed(record: CallRecord, reservation: Reservation | null, isReplayed: boolean): void {
    record.answeredAt = Date.now();
    record.outcome = 'ok';
    record.reservation = reservation;
    record.isReplayed = isReplayed;
  }

  refuse(record: CallRecord, failure: string): void {
    record.answeredAt = Date.now();
    record.outcome = 'refused';
    record.failure = failure;
  }

  /** Calls of one method that were answered with success. */
  acknowledged(method: ChangingMethod): (CallRecord & { readonly reservation: Reservation })[] {
    return this.calls.filter(
      (call): call is CallRecord & { reservation: Reservation } =>
        call.method === method && call.outcome === 'ok' && call.reservation !== null,
    );
  }

  /** One JSON document a line, for people who look for what went wrong. */
  toJsonLines(): string {
    const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
    return this.calls.map((call) => `${JSON.stringify(call, plain)}\n`).join('');
  }
}
