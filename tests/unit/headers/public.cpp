// The public headers as a C++ program sees them.
#include <leat/leat.h>
#include <leat/state.h>

#include <cstdio>
#include <cstring>

int main()
{
    leat *session = nullptr;
    leat_plan *plan = nullptr;
    leat_error *err = leat_error_new();
    int failed = leat_new(&session, err) || leat_plan_new(session, &plan, err) ||
                 leat_plan_set(plan, "replace", nullptr, err) ||
                 leat_plan_set(plan, "no-such-option", "x", err) != LEAT_INVALID ||
                 std::strcmp(err->code, "unknown-option") != 0;
    leat_plan_free(plan);
    leat_free(session);
    leat_error_free(err);
    std::printf("1..1\n%s 1 - a C++ program uses the public headers\n", failed ? "not ok" : "ok");
    return failed;
}
