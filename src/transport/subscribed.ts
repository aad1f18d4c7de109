import { refuse } from '../domain/refusal.ts';
import { InvalidResumeToken, UnknownTarget } from '../domain/subscription.ts';
import { unknownReservation } from './reserve-mapping.ts';
import { refusedCall } from './rpc-failure.ts';

/** The events of a subscription, with what is wrong about the subscription told as the caller's mistake. */
export async function* subscribed<Event>(subscribe: () => AsyncIterable<Event>): AsyncGenerator<Event> {
  try {
    yield* subscribe();
  } catch (error) {
    if (error instanceof InvalidResumeToken) {
      throw refusedCall(refuse('INVALID_FIELD', 'the resume token is not one of ours', { field: 'resume_token' }));
    }
    if (error instanceof UnknownTarget) throw refusedCall(unknownReservation(error.target.by, error.target.id));
    throw error;
  }
}
