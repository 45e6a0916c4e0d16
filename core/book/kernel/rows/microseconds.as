// Times in microseconds: what is said, and proven, in core/features/clocks/microseconds.ts.

/** Whole microseconds of nanoseconds since the epoch, in doubles: dividing 64 bits takes several times as long. */
// @ts-ignore: decorator
@inline
export function microsOf(time: u64): f64 {
  const high = <f64>(<u32>(time >>> 32));
  return 4294967 * high + floor((296 * high + <f64>(<u32>time)) / 1000);
}
