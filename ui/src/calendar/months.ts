/** Days as months of whole weeks. Pure functions; a day is `YYYY-MM-DD`. */

export interface Month {
  /** `YYYY-MM` */
  name: string;
  /** Weeks begin on Monday; null = a place before the first day. */
  days: (string | null)[];
}

const DAY = 86_400_000;
const at = (date: string): number => Date.parse(`${date}T00:00:00Z`);
const dateOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);

/** The day `days` after a day. */
export const dayAfter = (date: string, days: number): string => dateOf(at(date) + days * DAY);

/** The first day of the month `months` after that of a day. */
export function monthAfter(date: string, months: number): string {
  const [year = 0, month = 1] = date.split("-").map(Number);
  return dateOf(Date.UTC(year, month - 1 + months, 1));
}

/** The months from the first to the last day, both included. Months that begin or end elsewhere are shown whole. */
export function monthsOf(first: string, last: string): Month[] {
  const months: Month[] = [];
  for (let start = monthAfter(first, 0); start <= last; start = monthAfter(start, 1)) {
    const before = (new Date(at(start)).getUTCDay() + 6) % 7;
    const length = Math.round((at(monthAfter(start, 1)) - at(start)) / DAY);
    const days = Array.from({ length }, (_, index) => dayAfter(start, index));
    months.push({ name: start.slice(0, 7), days: [...Array<null>(before).fill(null), ...days] });
  }
  return months;
}
