import type { Messages } from "../types.ts";

export const login: Messages["login"] = {
  title: "로그인",
  to: (name) => `· ${name}`,
  user: "사용자",
  password: "비밀번호",
  token: "토큰",
  with_token: "토큰으로 로그인",
  with_password: "비밀번호로 로그인",
  token_hint: "API 토큰입니다. 페이지는 토큰을 저장하지 않으며, 브라우저는 스크립트가 읽을 수 없는 쿠키만 보관합니다.",
  enter: "로그인",
  wrong_password: "사용자 또는 비밀번호가 맞지 않습니다.",
  wrong_token: "유효하지 않은 토큰입니다.",
  old_link: "이미 사용되었거나 만료된 링크입니다. 여기에서 로그인하거나 새 링크를 만드세요: mainspring login --page",
  too_many: (span) => `시도가 너무 많습니다. ${span} 후 다시 시도하세요.`,
  first_time: "처음이신가요? 다음 명령이 로그인 링크를 출력합니다:",
};
