// A login component as a customer writes one: exchange the code, poll, submit, say when it is over.
const { useEffect, useState, createElement: h } = React;

const call = async (path, token, body) => {
  const answer = await fetch(`${API}/auth/connections/${CONNECTION}${path}`, {
    method: body ? "POST" : "GET",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.json()).code}`);
  return answer.json();
};

const Login = () => {
  const [token, setToken] = useState("");
  const [state, setState] = useState({});
  const [error, setError] = useState("");
  useEffect(() => {
    call("/exchange", "", { code: CODE }).then((found) => setToken(found.jwt), (e) => setError(e.message));
  }, []);
  useEffect(() => {
    if (!token) return undefined;
    const look = () => call("", token).then(setState, (e) => setError(e.message));
    look();
    const timer = setInterval(look, 100);
    return () => clearInterval(timer);
  }, [token]);
  if (error) return h("p", { role: "alert" }, error);
  if (state.flow_status && state.flow_status !== "IN_PROGRESS") return h("h1", null, state.flow_status);
  if (state.flow_step !== "AWAITING_INPUT") return h("p", null, state.flow_step || "…");
  const send = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    call("/submit", token, { fields: given }).catch((e) => setError(e.message));
  };
  const fields = (state.discovered_fields || []).map((field) => h("label", { key: field.name }, field.label,
    h("input", { name: field.name, type: field.type === "password" ? "password" : "text" })));
  return h("form", { onSubmit: send }, ...fields, h("button", null, "Sign in"));
};

ReactDOM.createRoot(document.getElementById("root")).render(h(Login));
