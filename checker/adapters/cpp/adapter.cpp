// The adapter protocol of `syncsplit conform` (docs/test-your-implementation.md) around the replicator: a JSON object
// a line, in and out.
#include "defects.hpp"   // seeded
#include "replicator.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <iostream>
#include <memory>

namespace {

using Json = nlohmann::json;

const Json capabilities = {
    "init", "reset", "write", "read", "freeze", "thaw", "mark", "sync", "arm", "split", "backup", "release", "create",
    "suspend", "resync", "delete", "takeover", "remote-write", "failback", "link-down", "link-up", "crash",
    "advance-clock", "status", "send", "apply", "report", "copy", "pair-mark", "fail", "deliver", "repeat", "lose",
    "transactions", "journal", "suspend-when-full", "start-smpl", "hold-writes"};

// One word of a request, by the table of words that are possible.
template <class Value>
Value word(const Json& request, const char* field, const std::map<std::string, Value>& words) {
    const auto found = words.find(request.at(field).get<std::string>());
    if (found == words.end()) throw Refused{"unsupported", std::string("unknown ") + field};
    return found->second;
}

MessageName message_of(const Json& request) {
    const Json& message = request.at("message");
    MessageName name{};
    name.kind = word<Kind>(message, "kind", {{"frame", Kind::Frame}, {"resync", Kind::Resync},
        {"suspend", Kind::Suspend}, {"delete", Kind::Delete}, {"ack", Kind::Ack}, {"ready", Kind::Ready},
        {"suspended", Kind::Suspended}});
    name.incarnation = message.at("incarnation");
    if (message.contains("seq")) name.seq = message.at("seq").get<Seq>();
    return name;
}

Json status(Replicator& system) {
    Json answer;
    answer["primary"] = system.see_primary([](const Primary& p) {
        Json journal = Json::array();
        for (const auto& entry : p.journal) journal.push_back(entry.seq);
        return Json{{"state", name_of(p.state)}, {"incarnation", p.incarnation}, {"newest", p.newest},
            {"written", p.written}, {"journal", journal}, {"dirty", p.dirty}, {"pending", p.pending.has_value()},
            {"held", p.quiesced.has_value()}};
    });
    answer["secondary"] = system.see_secondary([](const Secondary& s) {
        static const char* purposes[] = {"pair", "gold", "backup"};
        Json queue = Json::array();
        for (const auto& [seq, entry] : s.queue) queue.push_back(seq);
        return Json{{"state", name_of(s.state)}, {"incarnation", s.incarnation}, {"written", s.written},
            {"queue", queue}, {"dirty", s.dirty}, {"consistent", s.consistent},
            {"replica", purposes[static_cast<std::size_t>(s.replica.purpose)]},
            {"armed", s.armed ? Json(*s.armed) : Json()}};
    });
    answer["database"] = system.see_database([](const Database& d) {
        static const char* freezes[] = {"running", "freezing", "frozen"};
        return Json{{"freeze", freezes[static_cast<std::size_t>(d.freeze_state)]}, {"open", d.open}};
    });
    answer["volumes"] = system.see_both([](const Primary& p, const Secondary& s) {
        return Json{{"p_vol", p.p_vol}, {"sp_vol", s.replica.sp_vol}, {"s_vol", s.replica.s_vol}};
    });
    return answer;
}

Setup setup_of(const Json& request) {
    Setup setup;
    setup.journal = request.at("journal");
    setup.suspend_when_full = request.at("journal_full") == "suspend";
    setup.hold_writes = request.at("hold") == "writes";
    setup.start_in_pair = request.at("start") == "pair";
    setup.p_vol = request.at("p_vol");
    setup.sp_vol = request.at("sp_vol");
    setup.stepped = request.at("level") == "steered";
    setup.seed = request.at("seed");
    return setup;
}

Json sync(Replicator& system, const Json& request) {
    static const char* outcomes[] = {"DONE", "TIMEOUT", "BROKEN", "CHANGED"};
    std::optional<Marker> held;
    if (request.contains("seq")) held = Marker{request.at("incarnation"), request.at("seq")};
    const auto outcome = system.sync(held, Replicator::Millis(request.at("timeout_ms").get<std::int64_t>()));
    return {{"outcome", outcomes[static_cast<std::size_t>(outcome)]}};
}

Volume read(Replicator& system, VolumeName name) {
    if (name == VolumeName::P) return system.see_primary([](const Primary& p) { return p.p_vol; });
    return system.see_secondary([name](const Secondary& s) {
        return name == VolumeName::Sp ? s.replica.sp_vol : s.replica.s_vol;
    });
}

// The table of requests: what each does with the system under test, and answers.
using Handler = std::function<Json(Replicator&, const Json&)>;

// A request whose answer says no more than that it was done.
template <class Act>
Handler plain(Act act) {
    return [act](Replicator& system, const Json& request) {
        act(system, request);
        return Json::object();
    };
}

const std::map<std::string, Handler>& handlers() {
    static const std::map<std::string, Part> parts = {
        {"whole", Part::Whole}, {"first", Part::First}, {"last", Part::Last}};
    static const std::map<std::string, VolumeName> volumes = {
        {"p_vol", VolumeName::P}, {"sp_vol", VolumeName::Sp}, {"s_vol", VolumeName::S}};
    static const std::map<std::string, Role> roles = {
        {"primary", Role::Primary}, {"secondary", Role::Secondary}, {"database", Role::Database}};
    static const std::map<std::string, bool> sides = {{"primary", true}, {"secondary", false}};
    static const std::map<std::string, Handler> table = {
        {"write", plain([](auto& s, auto& r) { s.write(r.at("block"), r.at("data"), word(r, "transaction", parts)); })},
        {"read", [](auto& s, auto& r) { return Json{{"blocks", read(s, word(r, "volume", volumes))}}; }},
        {"freeze", [](auto& s, auto& r) { return Json{{"frozen", s.freeze(r.at("backup"))}}; }},
        {"thaw", [](auto& s, auto& r) { return Json{{"held", s.thaw(r.at("backup"))}}; }},
        {"mark", [](auto& s, auto&) {
            const auto mark = s.mark();
            return Json{{"incarnation", mark.incarnation}, {"seq", mark.seq}};
        }},
        {"sync", sync},
        {"arm", plain([](auto& s, auto& r) { s.arm(r.at("backup")); })},
        {"split", [](auto& s, auto& r) { return Json{{"done", s.split(r.at("backup"))}}; }},
        {"backup", [](auto& s, auto& r) { return Json{{"blocks", s.backup(r.at("backup"))}}; }},
        {"release", plain([](auto& s, auto& r) { s.release(r.at("backup")); })},
        {"create", plain([](auto& s, auto&) { s.create(); })},
        {"suspend", plain([](auto& s, auto&) { s.suspend(); })},
        {"resync", plain([](auto& s, auto&) { s.resync(); })},
        {"delete", plain([](auto& s, auto&) { s.delete_pair(); })},
        {"takeover", plain([](auto& s, auto& r) { s.takeover(r.at("force")); })},
        {"remote-write", plain([](auto& s, auto& r) { s.remote_write(r.at("block"), r.at("data")); })},
        {"failback", plain([](auto& s, auto&) { s.failback(); })},
        {"link-down", plain([](auto& s, auto&) { s.set_link(false); })},
        {"link-up", plain([](auto& s, auto&) { s.set_link(true); })},
        {"crash", plain([](auto& s, auto& r) { s.crash(word(r, "role", roles)); })},
        {"advance-clock", plain([](auto& s, auto&) { s.lease_runs_out(); })},
        {"status", [](auto& s, auto&) { return status(s); }},
        {"send", plain([](auto& s, auto& r) { s.step_send(r.at("seq")); })},
        {"apply", plain([](auto& s, auto&) { s.step_apply(); })},
        {"report", plain([](auto& s, auto&) { s.step_report(); })},
        {"copy", plain([](auto& s, auto& r) { s.step_copy(r.at("block")); })},
        {"pair-mark", plain([](auto& s, auto&) { s.step_pair_mark(); })},
        {"fail", plain([](auto& s, auto& r) { s.step_fail(word(r, "side", sides)); })},
        {"deliver", plain([](auto& s, auto& r) { s.step_deliver(message_of(r), false); })},
        {"repeat", plain([](auto& s, auto& r) { s.step_deliver(message_of(r), true); })},
        {"lose", plain([](auto& s, auto& r) { s.lose(message_of(r)); })},
    };
    return table;
}

Json answer_to(std::unique_ptr<Replicator>& system, const Json& request) {
    const std::string op = request.at("op");
    if (op == "hello")
        return {{"protocol", 1}, {"name", "cpp"}, {"version", "1"}, {"capabilities", capabilities}};
    if (op == "init") {
        system.reset();
        system = std::make_unique<Replicator>(setup_of(request));
        return Json::object();
    }
    if (op == "reset") {
        system.reset();
        return Json::object();
    }
    const auto handler = handlers().find(op);
    if (handler == handlers().end()) throw Refused{"unsupported", "unknown operation " + op};
    if (!system) throw Refused{"not-now", "nothing has been initialised"};
    return handler->second(*system, request);
}

}   // namespace

int main([[maybe_unused]] int count, [[maybe_unused]] char** arguments) {
    if (const auto end = choose_defect(count, arguments)) return *end;   // seeded
    std::unique_ptr<Replicator> system;
    for (std::string line; std::getline(std::cin, line);) {
        const Json request = Json::parse(line);
        Json answer = {{"id", request.at("id")}};
        try {
            answer["ok"] = answer_to(system, request);
        } catch (const Refused& refused) {
            answer["error"] = {{"code", refused.code}, {"definite", true}, {"text", refused.text}};
        }
        std::cout << answer.dump() << '\n' << std::flush;
    }
}
