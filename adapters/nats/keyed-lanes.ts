/**
 * Runs tasks at the same time, but those of one key one after the other in the order given, and at most `limit` at
 * once. A task that fails ends its lane: what comes after it under the same key is not run.
 * @returns the results of the tasks that succeeded, and the first failure, if any
 */
export async function runInLanes<Task, Result>(
  lanes: Iterable<readonly Task[]>,
  limit: number,
  signal: AbortSignal,
  run: (task: Task) => Promise<Result>,
): Promise<{ readonly done: Result[]; readonly failure: unknown }> {
  const waiting = lanes[Symbol.iterator]();
  const done: Result[] = [];
  let failure: unknown;
  const worker = async () => {
    for (let lane = waiting.next(); lane.done !== true; lane = waiting.next()) {
      try {
        for (const task of lane.value) {
          if (signal.aborted) return;
          done.push(await run(task));
        }
      } catch (error) {
        failure ??= error;
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return { done, failure };
}
