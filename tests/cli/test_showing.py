"""What the commands that only look at things show."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autoreward
from autoreward.cli import main
from autoreward.commands.doctor import cores, endpoint, gpu, worlds
from autoreward.records import write_record
from autoreward.report.apart import NO_GL
from autoreward.report.page import write_report
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import WINNER, example_run
from autoreward.testing.trainer import NoTrainer, line_task
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.files import result_name


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a finished run and one that was stopped."""
    folder = tmp_path_factory.mktemp("runs")
    example_run(folder / "2026-11-01T1200_reacher_aaaa")
    example_run(folder / "2026-11-02T1200_reacher_bbbb", finished=False)
    return folder


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(arguments) == code, capsys.readouterr().err
    return " ".join(capsys.readouterr().out.split())


def test_inspect_shows_the_whole_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(runs / "2026-11-01T1200_reacher_aaaa")
    said = shown(capsys, "inspect", "2026-11-01", "--runs", str(runs))
    report = folder.report()
    assert report
    for record in folder.all_candidates():
        assert record.name in said
    for line in folder.source(*WINNER).splitlines():
        assert " ".join(line.split()) in said
    assert all(row.label in said for row in report.rows)
    assert "5 seeds x" in said
    findings = [
        f for r in folder.rounds() if (a := folder.analysis(r)) for c in a.candidates.values() for f in c.findings
    ]
    assert findings
    assert all(finding.diagnosis in said for finding in findings)
    assert str(folder.best) in said


def test_inspect_as_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = runs / "2026-11-01T1200_reacher_aaaa"
    assert main(["inspect", str(path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["finished"]
    assert (data["best"]["round"], data["best"]["index"]) == WINNER
    assert [len(each["candidates"]) for each in data["rounds"]] == [len(RunFolder(path).indices(r)) for r in (0, 1)]
    assert data["report"]["rows"][0]["success"]


def test_the_latest_run_is_the_default(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, "inspect", "--runs", str(runs))
    assert "reacher_bbbb: not finished; go on with: autoreward resume" in said


def test_a_prefix_must_be_unique(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "2026-11", "--runs", str(runs)]) == 2
    assert "2 runs" in capsys.readouterr().err


def test_load_run(runs: Path) -> None:
    run = autoreward.load_run(runs / "2026-11-01T1200_reacher_aaaa")
    assert run.report
    assert run.report.winner == WINNER


def test_a_damaged_record_is_named(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    shutil.copytree(runs / "2026-11-01T1200_reacher_aaaa", path)
    (path / "report.json").write_text('{"winner": 3')
    assert main(["inspect", str(path)]) == 2
    assert f"{path / 'report.json'} does not read as Report" in capsys.readouterr().err


def test_text_of_a_run_cannot_drive_the_terminal(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run"
    shutil.copytree(runs / "2026-11-01T1200_reacher_aaaa", path)
    source = path / "rounds" / f"{WINNER[0]:02d}" / "candidates" / str(WINNER[1]) / "reward.py"
    source.write_text(source.read_text() + "# \x1b]0;title\x07 [red]markup[/red]\n")
    assert main(["inspect", str(path)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "[red]markup[/red]" in said


def test_export_writes_the_package(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "package"
    said = shown(capsys, "export", "2026-11-01", "--runs", str(runs), "--to", str(to))
    assert str(to) in said
    assert (to / "reward.py").read_text() == RunFolder(runs / "2026-11-01T1200_reacher_aaaa").source(*WINNER)
    assert main(["export", "2026-11-01", "--runs", str(runs), "--to", str(to)]) == 2
    assert "--to" in capsys.readouterr().err


def test_export_for_stable_baselines3(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from stable_baselines3 import PPO

    to = tmp_path / "package"
    said = shown(capsys, "export", "2026-11-01", "--runs", str(runs), "--to", str(to), "--sb3")
    assert f"wrote {to / 'policy.zip'} and vecnormalize.pkl" in said
    assert {"reward.py", "manifest.json", "policy.safetensors", "policy.zip", "vecnormalize.pkl"} <= set(os.listdir(to))
    assert PPO.load(to / "policy.zip", device="cpu").action_space.shape == (2,)
    unfinished = runs / "2026-11-02T1200_reacher_bbbb"
    assert main(["export", str(unfinished), "--to", str(tmp_path / "other"), "--sb3"]) == 2
    assert f"no trained policy to export; it is kept at the end of the run: autoreward resume {unfinished}" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "other").exists()


def test_export_of_a_single_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from stable_baselines3 import PPO

    job = TrainingJob(task=line_task(), reward=RewardSpec(kind="human"), seed=0, episodes=2)
    folder = tmp_path / job.hash
    write_record(folder / "job.json", job)
    trust = ("--trust", job.task.env.id)
    assert main(["export", str(folder), "--sb3"]) == 2
    assert "no trained policy" in capsys.readouterr().err
    NoTrainer().train(job, 100, folder, lambda progress: None)
    assert str(folder / "policy.zip") in shown(capsys, "export", str(folder), "--sb3", *trust)
    assert PPO.load(folder / "policy.zip", device="cpu").observation_space.shape == (2,)
    assert main(["export", str(folder), "--sb3", "--to", str(tmp_path / "elsewhere"), *trust]) == 0
    assert set(os.listdir(tmp_path / "elsewhere")) == {"policy.safetensors", "policy.zip", "vecnormalize.pkl"}


def test_envs_lists_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, "envs")
    assert all(task in said for task in ("reacher", "half_cheetah", "hopper_front_flip", "mountain_car_continuous"))


def test_envs_show_derives_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, "envs", "show", "CartPole-v1")
    assert all(
        word in said for word in ("cart_position", "pole_angle", "obs[2]", "rad", "500 steps", "one of 2 choices")
    )
    assert main(["envs", "show", "reacher", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["env_id"] == "Reacher-v5"


def test_dry_run_shows_the_composers_proposals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = [
        "--designer",
        "composer",
        "--rounds",
        "2",
        "--candidates",
        "2",
        "--steps",
        "1000",
        "--budget.env-steps",
        "5500",
    ]
    said = shown(capsys, "run", "reacher", *plan, "--dry-run")
    assert "at most 5 trainings of 1,000 steps" in said
    assert "search 1000-1001, selection 2000-2002, report 3000-3004" in said
    assert said.count("def compute_reward") == 2
    assert not list(tmp_path.iterdir())


def test_dry_run_shows_the_rungs_and_what_they_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """Rollouts of 1,600 steps; 3 rounds of 4 candidates on 2 seeds."""
    plan = ["--designer", "composer", "--steps", "64000", "--halvings", "2"]
    said = shown(capsys, "run", "reacher", *plan, "--dry-run")
    assert "halved at 16,000, 32,000 of 64,000 steps: about 768,000 environment steps, at most 1,056,000" in said
    capped = shown(capsys, "run", "reacher", *plan, "--budget.env-steps", "900000", "--dry-run")
    assert "about 768,000 environment steps, at most 900,000" in capped


def test_dry_run_shows_the_prompts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    own = ["--env", "CartPole-v1", "--text", "Keep the pole up, please.", "--success", "abs(pole_angle) < 0.05"]
    said = shown(capsys, "run", *own, "--success-rule", "held:100", "--dry-run")
    assert "prompt: system" in said
    assert "Keep the pole up, please." in said
    assert "100 steps in a row" in said
    assert not list(tmp_path.iterdir())


def test_prompts_are_listed_shown_and_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompts", "show"]) == 0
    sizes = {
        cells[1].strip(): cells[3].strip()
        for line in capsys.readouterr().out.splitlines()
        if len(cells := line.split("│")) > 3
    }
    for name in ("designer/first", "designer/revision", "critic/review", "analyzer/analyze"):
        assert 1000 < int(sizes[f"{name}.md.j2"].replace(",", "")) < 4000
    assert sizes["critic/system.md.j2"] == ""
    assert "{%" in shown(capsys, "prompts", "show", "designer/first")
    shown(capsys, "prompts", "copy", str(tmp_path / "own"))
    assert (tmp_path / "own" / "designer" / "first.md.j2").exists()
    assert main(["prompts", "copy", str(tmp_path / "own")]) == 2
    assert "--force" in capsys.readouterr().err


def test_doctor_shows_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nothing")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://user:sesame@llm.example/v1")
    said = shown(capsys, "doctor", "--runs", str(tmp_path))
    assert "https://llm.example/v1" in said
    assert "sesame" not in said
    assert "MUJOCO_GL=nothing does not work" in said
    # The same packages as where a run skips its picture.
    assert all(package in said and package in NO_GL for package in ("libegl1", "libgl1-mesa-dri", "libosmesa6"))


@pytest.mark.parametrize("url", ["user:sesame@llm.example/v1", "https://user:ses/ame@llm.example", "http://[sesame"])
def test_what_is_no_url_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert endpoint().startswith("(not the URL of an endpoint)")


def test_doctor_counts_cores_where_a_process_cannot_be_tied_to_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity")
    assert cores() == f"{os.cpu_count()} of {os.cpu_count()}"


def test_doctor_says_what_a_training_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, together in (("3.9.1", False), ("3.17.0", True), ("4.0.0", True)):
        monkeypatch.setattr("importlib.metadata.version", lambda package, version=version: version)
        assert ("together" in worlds()) == together
        assert together or worlds().endswith("pip install 'mujoco>=3.17'")
    for found, told in (("here", "installed"), (None, "pip install 'autoreward[gpu]'")):
        monkeypatch.setattr("importlib.util.find_spec", lambda name, found=found: found)
        assert gpu().endswith(told)


def test_inspect_shows_no_password(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    shutil.copytree(runs / "2026-11-01T1200_reacher_aaaa", path)
    run = json.loads((path / "run.json").read_text())
    run["config"]["llm"]["base_url"] = "https://user:sesame@llm.example/v1"
    (path / "run.json").write_text(json.dumps(run))
    assert main(["inspect", str(path), "--json"]) == 2
    said = "".join(capsys.readouterr())
    assert "run.json" in said
    assert "sesame" not in said


def test_a_closed_pipe_is_no_error() -> None:
    program = [sys.executable, "-m", "autoreward", "envs"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


def test_simulations_that_blew_up_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(example_run(tmp_path / "run"))
    assert "blew up" not in shown(capsys, "inspect", str(folder.path))
    record, report = folder.candidate(*WINNER), folder.report()
    assert record and report
    designed = next(row for row in report.rows if row.name == "designed")
    for trainings, steps in ((record.trainings, record.steps), (designed.trainings, designed.steps)):
        for training in list(trainings.values())[:2]:
            result = folder.result(training, steps)
            assert result
            blown = result.model_copy(update={"faults": 7, "evaluation_faults": 2})
            write_record(folder.training_folder(training) / result_name(steps), blown)
    said = shown(capsys, "inspect", str(folder.path))
    assert f"faults candidate {record.name}: simulations that blew up, which ended their episodes: 14 in" in said
    assert f"faults report, {designed.label}: simulations that blew up" in said
    assert "14 in training, 4 in evaluations" in said
    assert main(["inspect", str(folder.path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["faults"][f"candidate {record.name}"] == {"training": 14, "evaluation": 4}
    page = " ".join(write_report(folder.path).read_text().split())
    assert f"<dd>candidate {record.name}: simulations that blew up" in page
    assert "14 in training, 4 in evaluations</dd>" in page
