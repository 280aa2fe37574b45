"""The inquest: a worker reads what a run wrote last, finds the cause of its end, tells it, and writes the crash report.

Reading costs milliseconds, and two hundred can die at once: the supervisor's thread has other things to do.
"""

from __future__ import annotations

from dataclasses import replace

from engine.config.redact import hide_values
from engine.supervision.crash_reports import CrashReport, find_report_path, is_crash, write_report
from engine.supervision.ends import judge_end, read_last_words
from engine.supervision.exit_records import read_run_record
from engine.supervision.kit import Kit
from engine.supervision.messages import EndJudged, FaultTold, UnjudgedEnd


class Inquest:
    """Begun by the supervisor's thread, held on a worker; its finding comes back as a message."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def begin(self, ended: UnjudgedEnd) -> None:
        """Have the end judged that nobody asked for. Returns at once."""
        self._kit.pool.submit(self._hold, ended)

    def _hold(self, ended: UnjudgedEnd) -> None:
        home, record = self._kit.home, ended.record
        words: tuple[str, ...] = ()
        try:
            words = tuple(
                hide_values(line, ended.secrets) for line in read_last_words(home, ended.name, record.started_at)
            )
            last = judge_end(record, words, ended.health_detail)
        except Exception as error:  # noqa: BLE001 - the top of a worker: the end has to be judged, whatever its log holds
            self._kit.post(FaultTold("last words", f"{ended.name}: its log cannot be read: {error!r}"))
            last = judge_end(record, (), ended.health_detail)
        if not is_crash(record, ended.rule):
            self._kit.post(EndJudged(ended.name, ended, last))
            return
        last.report = str(find_report_path(home, ended.name, record))
        self._kit.post(EndJudged(ended.name, ended, replace(last)))
        self._report(
            CrashReport(
                ended.name,
                record,
                last,
                read_run_record(home, ended.name, record.run_id),
                words,
                ended.events,
                ended.usage,
                ended.memory,
                ended.restarts,
                ended.failures,
            )
        )

    def _report(self, report: CrashReport) -> None:
        problem = ""
        try:
            write_report(self._kit.home, report)
        except OSError as error:
            problem = f"{report.name}: its crash report cannot be written: {error}"
        except Exception as error:  # noqa: BLE001 - the top of a worker: nobody reads its result
            problem = f"{report.name}: its crash report failed: {error!r}"
        self._kit.post(FaultTold("crash reports", problem))
