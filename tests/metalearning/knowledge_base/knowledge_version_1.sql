PRAGMA application_id = 1936420212;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE datasets (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        family TEXT NOT NULL,
        n_samples INTEGER NOT NULL,
        n_features INTEGER NOT NULL,
        n_classes INTEGER NOT NULL,
        source TEXT NOT NULL,
        UNIQUE (task, name)
    );
INSERT INTO "datasets" VALUES(1,'classification','iris','flowers',150,4,3,'version 1');
INSERT INTO "datasets" VALUES(2,'regression','boston','houses',506,13,0,'version 1');
CREATE TABLE evaluations (
        dataset INTEGER NOT NULL REFERENCES datasets,
        pipeline INTEGER NOT NULL REFERENCES pipelines,
        status TEXT NOT NULL,
        fit_microseconds INTEGER,
        predict_microseconds INTEGER,
        n_rows INTEGER NOT NULL,
        PRIMARY KEY (dataset, pipeline)
    ) WITHOUT ROWID
    ;
INSERT INTO "evaluations" VALUES(1,1,'ok',2000,400,150);
INSERT INTO "evaluations" VALUES(1,2,'timeout',10000000,NULL,150);
INSERT INTO "evaluations" VALUES(2,3,'ok',1000,200,506);
CREATE TABLE metafeature_names (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    );
INSERT INTO "metafeature_names" VALUES(1,'skew');
INSERT INTO "metafeature_names" VALUES(2,'kurtosis');
CREATE TABLE metafeatures (
        dataset INTEGER NOT NULL REFERENCES datasets,
        metafeature INTEGER NOT NULL REFERENCES metafeature_names,
        value REAL,  -- NULL: not defined for this dataset
        PRIMARY KEY (dataset, metafeature)
    ) WITHOUT ROWID
    ;
INSERT INTO "metafeatures" VALUES(1,1,0.1);
INSERT INTO "metafeatures" VALUES(1,2,NULL);
INSERT INTO "metafeatures" VALUES(2,1,-1.5);
CREATE TABLE metrics (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (task, name)
    );
INSERT INTO "metrics" VALUES(1,'classification','accuracy');
INSERT INTO "metrics" VALUES(2,'classification','neg_log_loss');
INSERT INTO "metrics" VALUES(3,'regression','r2');
CREATE TABLE pipelines (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL UNIQUE
    );
INSERT INTO "pipelines" VALUES(1,'lda(X)');
INSERT INTO "pipelines" VALUES(2,'svc(X)');
INSERT INTO "pipelines" VALUES(3,'ridge(X)');
CREATE TABLE provenance (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL  -- JSON
    ) WITHOUT ROWID
    ;
INSERT INTO "provenance" VALUES('created','"2026-01-01T00:00:00+00:00"');
INSERT INTO "provenance" VALUES('created_by','"sklearn_meta 0.1.0"');
CREATE TABLE scores (
        metric INTEGER NOT NULL REFERENCES metrics,
        dataset INTEGER NOT NULL REFERENCES datasets,
        pipeline INTEGER NOT NULL REFERENCES pipelines,
        mean INTEGER NOT NULL,
        standard_error INTEGER,
        exponent INTEGER NOT NULL,
        PRIMARY KEY (metric, dataset, pipeline)
    ) WITHOUT ROWID
    ;
INSERT INTO "scores" VALUES(1,1,1,980000,10000,-6);
INSERT INTO "scores" VALUES(2,1,1,-500000,200000,-7);
INSERT INTO "scores" VALUES(3,2,3,700000,NULL,-6);
CREATE VIEW leaderboard AS
    SELECT
        datasets.task,
        datasets.name AS dataset,
        metrics.name AS metric,
        pipelines.text AS pipeline,
        CAST(mean || 'e' || exponent AS REAL) AS mean,
        CAST(standard_error || 'e' || exponent AS REAL) AS standard_error,
        fit_microseconds / 1e6 AS fit_seconds,
        predict_microseconds / 1e6 AS predict_seconds,
        n_rows
    FROM scores
    JOIN evaluations USING (dataset, pipeline)
    JOIN datasets ON datasets.id = dataset
    JOIN pipelines ON pipelines.id = pipeline
    JOIN metrics ON metrics.id = metric;
COMMIT;
