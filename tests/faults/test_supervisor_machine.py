"""No sequence of facts and requests ends in two servers, a restart of what was stopped, or a silent dead end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.config.schema import Config
from engine.errors import EngineError, KeeperLostError, PortInUseError, StartFailedError
from engine.snapshots import Act, Desired, Health, State, Status
from engine.supervision.messages import RequestFiled
from tests.faults.simulated import SimulatedRun, World

NAMES = ("a", "b", "c")
TABLES = {
    "a": {"command": ["/bin/a"], "restart_policy": {"max_retries": 2}},
    "b": {"command": ["/bin/b"], "depends_on": ["a"]},
    "c": {"command": ["/bin/c"], "restart_policy": {"policy": "on-failure"}},
}
CONFIGS = {
    "good": Config.model_validate({"instances": TABLES}),
    "without c": Config.model_validate({"instances": {name: TABLES[name] for name in "ab"}}),
}
ROUNDS_TO_REST = 30
LONGER_THAN_ANY_DELAY_S = 400.0

names = st.sampled_from(NAMES)


class SupervisorMachine(RuleBasedStateMachine):
    """Every rule is something that may happen at any time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lorch-machine-"))
        self.world = World(self.folder, CONFIGS)
        self.stopped: set[str] = set(NAMES)
        """What was never asked for, or was asked to stop last, as the supervisor heard it."""

    # -- what people do

    @rule(act=st.sampled_from(Act), asked=st.lists(names, min_size=1, max_size=2, unique=True))
    def somebody_asks(self, act: Act, asked: list[str]) -> None:
        self.world.leader.ask(act, tuple(asked))

    @rule(config=st.sampled_from(["good", "unreadable", "without c"]))
    def the_file_changes(self, config: str) -> None:
        self.world.config = config
        self.world.leader.read_config()

    # -- what the supervisor and its workers do

    @rule()
    def it_thinks(self) -> None:
        self._think()

    def _think(self) -> None:
        for message in self.world.leader.think():
            if isinstance(message, RequestFiled):
                self._note_wish(message)

    def _note_wish(self, message: RequestFiled) -> None:
        if message.future.done() and message.future.result().exit_code in {11, 13, 20, 21}:
            return
        for name in message.request.target.names:
            if message.request.act is Act.STOP:
                self.stopped |= {"a", "b"} if name == "a" else {name}
            else:
                self.stopped -= {"a", "b"} if name == "b" else {name}

    @precondition(lambda self: self.world.tasks)
    @rule(pick=st.integers(0, 5))
    def a_worker_works(self, pick: int) -> None:
        self.world.work(self.world.tasks[pick % len(self.world.tasks)])

    @rule()
    def the_leader_is_killed(self) -> None:
        self.world.change_leader()

    # -- what happens to runs

    def _run_of(self, name: str) -> SimulatedRun | None:
        run = self.world.runs.get(name)
        return run if run is not None and run.has_keeper else None

    @rule(name=names, code=st.sampled_from([0, 1]))
    def a_server_ends(self, name: str, code: int) -> None:
        if (run := self._run_of(name)) is not None and not run.is_frozen:
            self.world.end(run, code)

    @rule(name=names, leaves_something=st.booleans())
    def a_keeper_is_killed(self, name: str, *, leaves_something: bool) -> None:
        if (run := self._run_of(name)) is not None:
            self.world.kill_keeper(run, leaves_something=leaves_something)

    @rule(name=names)
    def a_keeper_hangs_up(self, name: str) -> None:
        if (run := self._run_of(name)) is not None:
            self.world.leader.hang_up(run)

    @rule(name=names)
    def a_keeper_freezes(self, name: str) -> None:
        if (run := self._run_of(name)) is not None:
            run.is_frozen = True

    @rule(name=names)
    def a_keeper_thaws(self, name: str) -> None:
        if (run := self._run_of(name)) is not None:
            self.world.thaw(run)

    @rule(name=names, health=st.sampled_from([Health.LOADING, Health.HEALTHY, Health.UNHEALTHY]))
    def a_probe_concludes(self, name: str, health: Health) -> None:
        self.world.leader.judge(name, health)

    @rule(refusal=st.sampled_from(["port", "exec", "keeper", "ends at once"]), name=names)
    def the_next_start_goes_wrong(self, refusal: str, name: str) -> None:
        errors: dict[str, EngineError] = {
            "port": PortInUseError(name, 8080, "somebody"),
            "exec": StartFailedError(f"{name}: cannot be executed"),
            "keeper": KeeperLostError(f"{name}: the keeper ended without an answer"),
        }
        self.world.refusal = errors.get(refusal)
        self.world.dies_at_once = refusal == "ends at once"

    @rule(seconds=st.sampled_from([0.5, 5.0, 40.0, 90.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.time.now += seconds

    @rule(seconds=st.sampled_from([-3600.0, 0.0, 3600.0]))
    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.world.time.jumped_s = seconds

    # -- what always holds

    @invariant()
    def what_was_stopped_is_not_wanted(self) -> None:
        for slot in self.world.leader.fleet:
            if slot.name in self.stopped:
                assert slot.desired is Desired.STOPPED, f"{slot.name} is wanted again"

    def teardown(self) -> None:
        """Left alone, with nothing broken, it comes to rest where it should, and everybody has his answer."""
        try:
            self._let_it_rest()
            self._check_rest()
        finally:
            shutil.rmtree(self.folder)

    def _check_rest(self) -> None:
        for request, future in self.world.leader.asked:
            assert future.done(), f"unanswered: {request}"
        for slot in self.world.leader.fleet:
            run = self.world.runs.get(slot.name)
            why = f"{slot.name}: {slot.desired}, {slot.state}, {slot.last.error!r}; {run}"
            if slot.desired is Desired.STOPPED:
                assert slot.state is State.STOPPED, why
                assert run is None, why
            elif slot.status is Status.FAILED:
                assert slot.last.error, why
                assert not slot.was_blocked, why
                assert run is None, why
            elif slot.state is State.WAITING:
                needed = [self.world.leader.fleet.slots[name] for name in slot.waits_for]
                assert any(one.status is Status.FAILED or one.desired is Desired.STOPPED for one in needed), why
            else:
                assert slot.state is State.READY, why
                assert run is not None, why
                assert slot.run is not None, why
                assert slot.run.run_id == run.run_id, why

    def _let_it_rest(self) -> None:
        self.world.config = "good"
        self.world.refusal = None
        self.world.dies_at_once = False
        self.world.leader.read_config()
        for _ in range(ROUNDS_TO_REST):
            self._think()
            for task in list(self.world.tasks):
                self.world.work(task)
            self._think()
            for run in list(self.world.runs.values()):
                if run.has_keeper:
                    self.world.thaw(run)
                    if run.intent:
                        self.world.end(run, 0)
                    else:
                        self.world.leader.judge(run.name, Health.HEALTHY)
            self.world.time.now += LONGER_THAN_ANY_DELAY_S
        self._think()


SupervisorMachine.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSupervisor = SupervisorMachine.TestCase
