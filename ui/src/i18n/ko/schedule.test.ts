import { expect, test } from "vitest";
import { cronInKorean, scheduleInKorean } from "./schedule.ts";

const PARTS = { crons: [], interval_seconds: null, instants: 0, upstream: [], match: "all" as const, alias: null, timezone: "Asia/Seoul", excluded_dates: 0, excluded_calendars: [] };

test.each([
  ["* * * * *", "매분"],
  ["*/30 * * * *", "30분마다"],
  ["0 * * * *", "매시 정각"],
  ["15,45 * * * *", "매시 15분, 45분"],
  ["30 2 * * *", "매일 02:30"],
  ["0 9,18 * * *", "매일 09:00, 18:00"],
  ["0 */6 * * *", "6시간마다 정각"],
  ["*/10 9-17 * * mon-fri", "매주 월요일~금요일 09:00~17:59 10분마다"],
  ["30 9 * * 1", "매주 월요일 09:30"],
  ["0 0 * * 7", "매주 일요일 00:00"],
  ["0 0 1,15 * *", "매월 1일, 15일 00:00"],
  ["0 0 L * *", "매월 마지막 날 00:00"],
  ["0 18 LW * *", "매월 마지막 평일 18:00"],
  ["0 9 * * MON#2", "매월 둘째 월요일 09:00"],
  ["0 9 * * 5L", "매월 마지막 금요일 09:00"],
  ["0 0 1 1 *", "매년 1월 1일 00:00"],
  ["0 0 1 */3 *", "3개월마다 1일 00:00"],
  ["0 6 * JUN-AUG *", "6월~8월 매일 06:00"],
  ["0 0 13 * FRI", "매월 13일 또는 금요일 00:00"],
  ["0 0 */2 * *", "2일마다 00:00"],
  ["5 0-12/3 * * *", "0시~12시 3시간마다 5분"],
  ["0,20,40 6,12,18 * * *", "6시, 12시, 18시 0분, 20분, 40분"],
])("%s", (line, words) => {
  expect(cronInKorean(line)).toBe(words);
});

test.each(["", "* * * *", "61 * * * *", "0 0 * * NOON", "0 0 1#2 * *"])("a line without words: %s", (line) => {
  expect(cronInKorean(line)).toBeNull();
});

test("zone, days left out, several lines, intervals and instants", () => {
  expect(scheduleInKorean({ ...PARTS, crons: ["30 2 * * *"] })).toBe("매일 02:30 (Asia/Seoul)");
  expect(scheduleInKorean({ ...PARTS, crons: ["0 0 * * *", "0 12 * * SAT"], excluded_dates: 2, excluded_calendars: ["KR"] })).toBe("매일 00:00 및 매주 토요일 12:00 (Asia/Seoul, 지정한 날짜 2일, KR 휴일 제외)");
  expect(scheduleInKorean({ ...PARTS, interval_seconds: 5400 })).toBe("1시간 30분마다");
  expect(scheduleInKorean({ ...PARTS, interval_seconds: 3601.5 })).toBe("1시간 1.5초마다");
  expect(scheduleInKorean({ ...PARTS, instants: 3 })).toBe("지정한 시각 3회");
  expect(scheduleInKorean({ ...PARTS, alias: "@once" })).toBe("한 번");
  expect(scheduleInKorean({ ...PARTS, alias: "@continuous" })).toBe("끝나면 바로 다시");
  expect(scheduleInKorean({ ...PARTS, upstream: ["a", "b"] })).toBe("a 및 b 실행이 끝난 뒤");
  expect(scheduleInKorean({ ...PARTS, upstream: ["a", "b"], match: "any" })).toBe("a 또는 b 실행이 끝난 뒤");
});

test("an unknown line has no words", () => {
  expect(scheduleInKorean({ ...PARTS, crons: ["0 0 * * *", "x"] })).toBeNull();
});
