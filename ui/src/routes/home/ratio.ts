/** How a duration differs from the median, when by more than a half and five seconds: `+15 m` below three times, `×9`. */
export function ratioText(seconds: number, median: number | null): string {
  if (!median || Math.abs(seconds - median) < 5) return "";
  const ratio = seconds / median;
  if (ratio >= 3) return `×${Math.round(ratio)}`;
  if (ratio <= 1.5) return "";
  const over = seconds - median;
  return over < 60 ? `+${Math.round(over)} s` : over < 3600 ? `+${Math.round(over / 60)} m` : `+${(over / 3600).toFixed(1)} h`;
}
