/** Lets a unit check what it wrote in the same round trip that commits it. */
export const ASSERT_ROWS_SQL = `
create function assert_rows(actual bigint, expected bigint, what text) returns void language plpgsql as $$
begin
  if actual <> expected then
    raise exception 'expected % rows of %, found %', expected, what, actual using errcode = 'assert_failure';
  end if;
end $$;
comment on function assert_rows(bigint, bigint, text) is 'ends the transaction unless as many rows were changed as were locked';
`;
