/** Sentences of the server in Korean. Pure functions; what a program wrote, and what is unknown, stays as sent. */
import { josa } from "../josa.ts";

type Words = (...parts: string[]) => string;

const UNKNOWN = "작업을 마쳤는지는 알 수 없습니다";
const STATES: Record<string, string> = { success: "성공", failed: "실패", skipped: "건너뜀" };

/** A whole sentence -> its words; the parts are the groups of the expression. */
const SENTENCES: readonly (readonly [RegExp, Words])[] = [
  [/^the command ended with exit code (-?\d+)$/, (code) => `명령이 종료 코드 ${code}(으)로 끝났습니다`],
  [/^the command ended with exit code (\d+), which means skip \(skip_exit_code\)$/, (code) => `명령이 건너뛰기를 뜻하는 종료 코드 ${code}(으)로 끝났습니다 (skip_exit_code)`],
  [/^the command ended with exit code (\d+): the shell did not find a command that it was to run; see the log$/, (code) => `명령이 종료 코드 ${code}(으)로 끝났습니다. 셸이 실행할 명령을 찾지 못했습니다. 로그를 확인하세요`],
  [/^the process ended with exit code (-?\d+) before the callable returned$/, (code) => `함수가 값을 돌려주기 전에 프로세스가 종료 코드 ${code}(으)로 끝났습니다`],
  [/^the callable ended by sys\.exit\((.*)\)$/, (code) => `함수가 sys.exit(${code})로 끝났습니다`],
  [/^the process was ended by (\S+), not by Mainspring(, often for lack of memory)?$/, (name, memory) => `프로세스를 Mainspring이 아닌 ${name} 신호가 끝냈습니다${memory ? ". 메모리가 부족할 때 자주 일어납니다" : ""}`],
  [/^command '(.*)' cannot be started: it was not found: .*$/, (name) => `명령 '${name}'을(를) 찾지 못했습니다. 태스크를 실행하는 머신에 설치하거나 경로로 적으세요`],
  [/^command '(.*)' cannot be started: it may not be executed: .*$/, (name) => `명령 '${name}'에 실행 권한이 없습니다 (chmod +x)`],
  [/^command '(.*)' cannot be started: it is no program: .*$/, (name) => `명령 '${name}'은(는) 프로그램이 아닙니다. #! 줄을 넣거나 인터프리터를 먼저 적으세요`],
  [/^there is no secret '(.*)'; create it, then clear this task$/, (name) => `시크릿 '${name}'이(가) 없습니다. 만든 뒤 이 태스크를 초기화하세요`],
  [/^timed out after (\S+) s \(execution_timeout\)$/, (seconds) => `제한 시간 ${seconds}초를 넘겼습니다 (execution_timeout)`],
  [/^cancelled on request$/, () => "요청에 따라 취소했습니다"],
  [/^interrupted: the service was stopped$/, () => "서비스가 중지되어 중단되었습니다"],
  [/^the task host (.*) while this task (?:was in it|ran in it alone)\b.*$/, () => `태스크를 실행하던 호스트 프로세스가 끝났습니다. ${UNKNOWN}`],
  [/^its worker has not been heard of for a whole lease; .*$/, () => `워커의 연락이 끊겼습니다. ${UNKNOWN}`],
  [/^stopped, because its task instance was marked (\S+) by (.*)$/, (state, name) => `${josa(name ?? "", "이", "가")} ${STATES[state ?? ""] ?? state}(으)로 표시하여 중지했습니다`],
  [/^stopped, because (?:its task instance|it) was cleared$/, () => "초기화되어 중지했습니다"],
  [/^stopped, because its run was ended$/, () => "실행이 종료되어 중지했습니다"],
  [/^stopped, because its run changed the version$/, () => "실행의 버전이 바뀌어 중지했습니다"],
  [/^stopped, because its dagrun_timeout had passed$/, () => "실행의 제한 시간(dagrun_timeout)이 지나 중지했습니다"],
  [/^stopped, because the deadline of its task had passed$/, () => "태스크의 기한이 지나 중지했습니다"],
  [/^stopped, because the task that waited for it ended or was cleared$/, () => "기다리던 태스크가 끝났거나 초기화되어 중지했습니다"],
  [/^not started, because its backfill was cancelled by (.*)$/, (name) => `${josa(name ?? "", "이", "가")} 백필을 취소하여 시작하지 않았습니다`],
  [/^failed: (.*); fail_fast ended the run$/, (names) => `실패: ${names}. fail_fast에 따라 실행을 끝냈습니다`],
  [/^failed: ((?:'[^']*'(?:, )?)+)(?: and (\d+) more)?$/, (names, more) => `실패: ${names}${more ? ` 외 ${more}개` : ""}`],
  [/^paused, because (\d+) failed, the most that max_failed_runs allows; unpause it to go on$/, (failed) => `${failed}건이 실패하여 일시 정지했습니다 (max_failed_runs). 계속하려면 다시 시작하세요`],
  [/^the DAG is paused$/, () => "DAG가 일시 정지되어 있습니다"],
  [/^the run is due at (\S+)$/, (instant) => `실행 시각: ${instant}`],
  [/^(\d+) runs of the DAG are running, and its max_active_runs is (\d+)$/, (running, most) => `DAG의 실행 ${running}건이 진행 중입니다 (max_active_runs: ${most})`],
  [/^did you mean '(.*)'\?$/, (name) => `'${name}'을(를) 찾으셨나요?`],
  [/^Every task that names no pool$/, () => "풀을 지정하지 않은 모든 태스크"],
  [/^first version, (\d+) tasks?$/, (tasks) => `첫 버전, 태스크 ${tasks}개`],
  [/^no change of meaning$/, () => "의미가 바뀐 것 없음"],
];

const NOUNS: Record<string, string> = { task: "태스크", param: "파라미터", output: "출력" };
const DONE: Record<string, string> = { added: "추가", removed: "삭제", changed: "변경" };

/** A part of the summary of a version: what was added, removed or changed. */
const CHANGES: readonly (readonly [RegExp, Words])[] = [
  [/^(task|param|output) '(.*)' (added|removed|changed)$/, (noun, name, done) => `${NOUNS[noun ?? ""]} '${name}' ${DONE[done ?? ""]}`],
  [/^(task|param|output) '(.*)' (.* → .*)$/, (noun, name, values) => `${NOUNS[noun ?? ""]} '${name}' ${values}`],
  [/^'(.*)' waits for '(.*)' now$/, (task, other) => `'${task}'이(가) '${other}'을(를) 기다림`],
  [/^'(.*)' no longer waits for '(.*)'$/, (task, other) => `'${task}'이(가) 더는 '${other}'을(를) 기다리지 않음`],
  [/^('.*': \S+|params: \S+|[\w-]+) (added|removed|changed)$/, (subject, done) => `${subject} ${DONE[done ?? ""]}`],
  [/^and (\d+) more$/, (more) => `외 ${more}건`],
];

const translated = (table: typeof SENTENCES, text: string): string | null => {
  for (const [expression, words] of table) {
    const parts = expression.exec(text);
    if (parts) return words(...parts.slice(1));
  }
  return null;
};

/** The sentence in Korean; a summary part by part. */
export function sentenceInKorean(text: string): string {
  const whole = translated(SENTENCES, text);
  if (whole !== null) return whole;
  const parts = text.split("; ");
  const known = parts.map((part) => translated(CHANGES, part));
  // Names and values of people may have any form. Half a sentence in Korean would be worse than none.
  return known.every((part, index) => part !== null || parts[index]!.includes(" → ")) ? known.map((part, index) => part ?? parts[index]).join("; ") : text;
}
