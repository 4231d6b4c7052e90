/**
 * The e-BH procedure: which hypotheses to reject so that the expected share of false rejections stays at or under
 * `level`, whatever the dependence between the e-values (Wang and Ramdas 2022, "False discovery rate control with
 * e-values"). With K e-values sorted from the largest, it rejects the k* largest, k* the greatest k with e_(k) ≥ K / (level·k).
 *
 * @returns the indices of the rejected hypotheses, ascending
 */
export function eBH(eValues: readonly number[], level: number): number[] {
  const order = eValues.map((e, index) => ({ e, index })).sort((a, b) => b.e - a.e);
  let rejected = 0;
  order.forEach(({ e }, i) => {
    if (e >= eValues.length / (level * (i + 1))) rejected = i + 1;
  });
  return order.slice(0, rejected).map((o) => o.index).sort((a, b) => a - b);
}
