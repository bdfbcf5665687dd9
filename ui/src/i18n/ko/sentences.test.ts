import { expect, test } from "vitest";
import { sentenceInKorean } from "./sentences.ts";

test.each([
  ["the command ended with exit code 3", "명령이 종료 코드 3(으)로 끝났습니다"],
  ["the command ended with exit code 127: the shell did not find a command that it was to run; see the log", "명령이 종료 코드 127(으)로 끝났습니다. 셸이 실행할 명령을 찾지 못했습니다. 로그를 확인하세요"],
  ["the process was ended by SIGKILL, not by Mainspring, often for lack of memory", "프로세스를 Mainspring이 아닌 SIGKILL 신호가 끝냈습니다. 메모리가 부족할 때 자주 일어납니다"],
  ["timed out after 2.5 s (execution_timeout)", "제한 시간 2.5초를 넘겼습니다 (execution_timeout)"],
  ["failed: 'load', 'report' and 3 more", "실패: 'load', 'report' 외 3개"],
  ["failed: 'load'; fail_fast ended the run", "실패: 'load'. fail_fast에 따라 실행을 끝냈습니다"],
  ["2 runs of the DAG are running, and its max_active_runs is 2", "DAG의 실행 2건이 진행 중입니다 (max_active_runs: 2)"],
  ["did you mean 'etl'?", "'etl'을(를) 찾으셨나요?"],
  ["first version, 1 task", "첫 버전, 태스크 1개"],
  ["schedule changed; task 'load' added; 'b' waits for 'a' now; and 2 more", "schedule 변경; 태스크 'load' 추가; 'b'이(가) 'a'을(를) 기다림; 외 2건"],
  ["'load': retries 0 → 2; task 'x' removed", "'load': retries 0 → 2; 태스크 'x' 삭제"],
])("%s", (sentence, korean) => expect(sentenceInKorean(sentence)).toBe(korean));

test.each(["", "ValueError: no such row", "schedule changed; the rest is prose", "failed: what a program says", "a\nb"])("what a program wrote stays as sent: %j", (text) => expect(sentenceInKorean(text)).toBe(text));

test("a long text of a program is judged at once", () => {
  const begun = performance.now();
  for (const text of [`'${"a' ".repeat(20_000)}`, `failed: ${"'a', ".repeat(20_000)}x`, `${"x; ".repeat(20_000)}`]) expect(sentenceInKorean(text)).toBe(text);
  expect(performance.now() - begun).toBeLessThan(1000);
});
